"""Trains the encoder of `perception.encoder`: `gather`, then `teach`, then `probe`."""
