"""The version, in the one place that the package, its files and its wheel take it from."""

VERSION = "0.1.0"
