"""`python -m face_emote` is the `face-emote` command."""

import sys

from face_emote.cli.main import main

sys.exit(main())
