"""A line that nobody has recorded: whoever speaks here says it, and tells its sounds where it can."""
