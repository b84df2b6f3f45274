"""The verbs of the product, a page each: what happens, in order."""
