"""Fitting the bundled head onto somebody else's, vertex by vertex, from the shapes of both alone."""
