"""Makes the pictures of the README and the documentation: `python -m tools.gallery -o docs/gallery`."""
