"""Builds the bundled head from CC0 MakeHuman data: `python -m tools.build_head --data DIR -o FILE`."""
