"""`python -m face_emote.worker`: see `face_emote.worker.server`."""

from face_emote.worker.server import main

raise SystemExit(main())
