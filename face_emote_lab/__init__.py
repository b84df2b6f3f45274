"""Trains lips on recordings and measures animators on them; ships with `face_emote`, which knows nothing of it."""
