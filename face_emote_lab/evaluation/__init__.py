"""Measures performances against real lips and against what was wanted."""
