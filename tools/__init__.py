"""Builders of the bundled assets; not part of the installed package."""
