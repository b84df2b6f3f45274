"""Avatars: a character with bones and named faces (`.vrm`, TalkingHead's `.glb`); a performance for any (`.vrma`)."""
