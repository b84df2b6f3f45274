"""A page of `bench/pages` in a headless Chromium, with the JavaScript packages of a `node_modules` folder.

The browser reads from a server on the loopback address and posts the picture back, so no time has to be guessed.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parent / "pages"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
KINDS = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json"}
MOST_SECS = 600.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page gave."""

    picture: bytes
    """PNG."""
    facts: dict[str, Any]


def missing(*packages: str) -> str:
    """Why no page can be shown that needs these packages; empty when it can."""
    modules = os.environ.get("FACE_EMOTE_NODE_MODULES", "")
    if not modules or not all((Path(modules) / name).is_dir() for name in packages):
        return f"set FACE_EMOTE_NODE_MODULES to a node_modules folder (npm install {' '.join(packages)})"
    return "" if any(shutil.which(name) for name in BROWSERS) else "no Chromium is installed (apt install chromium)"


def show(page: str, *, setup: dict[str, Any], files: dict[str, Path]) -> Shown:
    """Open a page, give it `setup.json` and files by name, and wait for its picture. RuntimeError says what it said."""
    got: dict[str, Any] = {}
    done = threading.Event()
    handler = partial(_Handler, page=page, setup=setup, files=files, got=got, done=done)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as profile:
        words = [browser, "--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                 "--no-first-run", f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/"]  # fmt: skip
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not done.wait(MOST_SECS):
                raise RuntimeError(f"{page} showed nothing in {MOST_SECS:.0f} s")
        finally:
            running.terminate()
            running.wait(20)
            server.shutdown()
    facts = json.loads(got["done"])
    if "trouble" in facts:
        raise RuntimeError(f"{page}: {facts['trouble']}")
    return Shown(got.get("picture", b""), facts)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *args: Any, page: str, setup: dict[str, Any], files: dict[str, Path], got: dict[str, Any],
                 done: threading.Event) -> None:  # fmt: skip
        self.page, self.setup_, self.files, self.got, self.done = page, setup, files, got, done
        super().__init__(*args)

    def do_GET(self) -> None:
        """The page, its setup, its files and the packages."""
        name = self.path.split("?")[0].lstrip("/")
        if name == "setup.json":
            self._answer(json.dumps(self.setup_).encode(), ".json")
            return
        path = PAGES / self.page if not name else self.files.get(name, PAGES / name)
        if name.startswith("modules/"):
            path = Path(os.environ["FACE_EMOTE_NODE_MODULES"]) / name.removeprefix("modules/")
        if path.is_file():
            self._answer(path.read_bytes(), path.suffix)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """What the page shows, and at last its word that it is done."""
        name = self.path.lstrip("/")
        self.got[name] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"", ".json")
        if name == "done":
            self.done.set()

    def _answer(self, data: bytes, suffix: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", KINDS.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Silent."""
