"""`python -m face_emote.worker`: see `face_emote.worker.server`."""

from face_emote.core.threads import use_one_thread

use_one_thread()  # before the server loads numpy

from face_emote.worker.server import main  # noqa: E402

raise SystemExit(main())
