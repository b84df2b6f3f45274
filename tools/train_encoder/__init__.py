"""Trains the encoder of `perception.encoder`: `moments`, then `teach`, then `probe`."""
