"""The motion file, `.npz`."""
