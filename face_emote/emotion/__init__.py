"""Words to emotions over time."""
