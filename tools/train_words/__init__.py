"""The reader of words: what teaches it."""
