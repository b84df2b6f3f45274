"""Whose face a film shows, by pictures drawn of the head and compared with it: shape, skin, habits. Needs torch."""
