"""Motions that other programs recorded."""
