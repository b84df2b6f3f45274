"""glTF 2.0 binary."""
