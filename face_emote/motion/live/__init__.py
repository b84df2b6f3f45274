"""A performance while the words are being said."""

from face_emote.motion.live.performer import LIVE_FPS, LivePerformer

__all__ = ["LIVE_FPS", "LivePerformer"]
