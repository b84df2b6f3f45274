"""Curves of other faces, as a rig file describes them."""
