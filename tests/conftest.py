"""Property tests try the same examples every time; FACE_EMOTE_FUZZ=1 lets them look for new ones.

Files are signed with a key of the tests' own, not with the user's.
"""

import atexit
import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")  # Sums in another order give other bytes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("steady", derandomize=True)
settings.register_profile("fuzz", derandomize=False)
settings.load_profile("fuzz" if os.environ.get("FACE_EMOTE_FUZZ") else "steady")

_settings = tempfile.TemporaryDirectory(prefix="face_emote_settings_")
atexit.register(_settings.cleanup)
os.environ["FACE_EMOTE_SETTINGS"] = _settings.name
