"""Damaged inputs for every reader of the product: `python -m tools.fuzz`; docs/robustness.md has what came of it."""
