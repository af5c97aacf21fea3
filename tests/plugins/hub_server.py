"""A Hub on this machine: as much of the Hugging Face Hub's interface as downloading a repository asks for."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE = re.compile(r"(?:/datasets)?/(?P<repository>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)")
LISTING = re.compile(r"/api/datasets/(?P<repository>[^/]+/[^/]+)/(?P<what>tree|paths-info)/[^/]+/?(?P<under>.*)")
REVISION = re.compile(r"/api/datasets/(?P<repository>[^/]+/[^/]+)(?:/revision/[^/]+)?")


@contextmanager
def hub(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve `folder/owner/name` as repositories: the address, and the files that were asked for, as they are."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.folder, server.asked = folder, []
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", server.asked
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if found := FILE.fullmatch(path):
            self._file(found["repository"], found["file"])
        elif found := LISTING.fullmatch(path):
            entries = self._entries(found["repository"])
            if found["what"] == "tree":
                self._json([e for e in entries if e["path"].rpartition("/")[0] == found["under"]])
            else:
                wanted = parse_qs(body)["paths"]
                self._json([e for e in entries if e["path"] in wanted])
        elif (found := REVISION.fullmatch(path)) and (self.server.folder / found["repository"]).is_dir():
            names = [{"rfilename": entry["path"]} for entry in self._entries(found["repository"])]
            self._json({"id": found["repository"], "sha": COMMIT, "siblings": names, "tags": [], "private": False})
        else:
            self._refuse("RepoNotFound")

    do_HEAD = do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _entries(self, repository: str) -> list[dict]:
        """Files and folders of a repository, at any depth."""
        root = self.server.folder / repository
        return [
            {
                "type": "directory" if path.is_dir() else "file",
                "path": path.relative_to(root).as_posix(),
                "size": 0 if path.is_dir() else path.stat().st_size,
                "oid": sha1(b"" if path.is_dir() else path.read_bytes()).hexdigest(),
            }
            for path in sorted(root.rglob("*"))
        ]

    def _file(self, repository: str, name: str) -> None:
        path = self.server.folder / repository / name
        if not path.is_file():
            self._refuse("EntryNotFound" if (self.server.folder / repository).is_dir() else "RepoNotFound")
            return
        data, status = path.read_bytes(), 200
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            data, status = data[int(found[1]) : int(found[2]) + 1 if found[2] else None], 206
        self.server.asked.append(name)
        etag = {"ETag": f'"{sha1(path.read_bytes()).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        self._answer(status, data, etag)

    def _json(self, content: object) -> None:
        self._answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: str) -> None:
        self._answer(404, b"", {"X-Error-Code": code, "X-Repo-Commit": COMMIT})

    def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
