"""What is felt, read from voice, words and face, and how sure that is."""
