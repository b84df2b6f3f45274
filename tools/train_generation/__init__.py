"""Real talkers as a camera sees them: what drawn motion is measured by, and learns from."""
