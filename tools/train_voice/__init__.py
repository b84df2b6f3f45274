"""Trains what reads feelings from a voice: `clips` hears recordings, `reader` learns, `gates` weighs the senses."""
