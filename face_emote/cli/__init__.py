"""The `face-emote` command."""
