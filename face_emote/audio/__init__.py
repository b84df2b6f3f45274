"""Sound files to phones and prosody."""
