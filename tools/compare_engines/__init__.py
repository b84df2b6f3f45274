"""Pictures of the same faces by several engines, one above the other."""
