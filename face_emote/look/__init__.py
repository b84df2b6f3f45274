"""Skin colour, wrinkles and blood flow."""
