"""The head: a FLAME-format model evaluated in numpy."""
