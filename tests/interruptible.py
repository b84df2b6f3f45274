"""The command as a child that can be interrupted, whatever shell the tests were started from."""

import signal
import subprocess
import sys


def started(*words: str, sent: signal.Signals = signal.SIGINT, **more) -> subprocess.Popen:
    """`face-emote WORDS`; a shell starts background jobs deaf to SIGINT, and what is handled here children get back."""
    before = signal.signal(sent, lambda *_: None)
    try:
        return subprocess.Popen([sys.executable, "-m", "face_emote", *words], **{"stderr": subprocess.PIPE, **more})
    finally:
        signal.signal(sent, before)
