"""Property tests try the same examples every time; FACE_EMOTE_FUZZ=1 lets them look for new ones."""

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True)
settings.register_profile("fuzz", derandomize=False)
settings.load_profile("fuzz" if os.environ.get("FACE_EMOTE_FUZZ") else "steady")
