"""A small hub on this machine: as much of the Hugging Face hub's HTTP as its client uses to put and get files."""

import base64
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOKEN = "hf_mine"
OWNER = "me"


class Hub:
    """Repositories by (kind, name); requests that match `cut` are answered by closing the connection, and of files
    that match `half` that much is sent before."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], dict] = {}
        self.blobs: dict[str, bytes] = {}
        self.cut = self.half = ""
        self.asked: list[str] = []
        self.cards: list[str] = []
        hub = self

        class Handler(_Handler):
            def __init__(self, *args):
                self.hub = hub
                super().__init__(*args)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def files(self, name: str, kind: str = "model") -> dict[str, bytes]:
        """The files at the newest commit of a repository."""
        return self.repos[kind, name]["commits"][-1][1]

    def put(self, name: str, folder: Path) -> str:
        """A commit with the files of a folder, as any client leaves it; returns its hash."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        sha = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.make(name)["commits"].append((sha, files))
        return sha

    def make(self, name: str, kind: str = "model", private: bool = False) -> dict:
        """A repository, with its first commit, which has no files."""
        return self.repos.setdefault(
            (kind, name), {"private": private, "commits": [(hashlib.sha1(name.encode()).hexdigest(), {})]}
        )


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else self._chunks()
        self._answer("POST", body)

    def do_PUT(self):
        self._answer("PUT", self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        self._answer("GET")

    def do_HEAD(self):
        self._answer("HEAD")

    def _chunks(self) -> bytes:
        body = b""
        while "chunked" in self.headers.get("Transfer-Encoding", "") and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(self, method: str, body: bytes = b"") -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{method} {path}")
        if self.hub.cut and re.search(self.hub.cut, f"{method} {path}"):
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if match := re.fullmatch(r"/lfs/(\w+)", path):
            self.hub.blobs[match[1]] = body
            return self._send({})
        if path == "/api/validate-yaml":
            self.hub.cards.append(json.loads(body)["content"])
            return self._send({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        for kind, plural in (("model", "models"), ("dataset", "datasets")):
            if match := re.fullmatch(rf"/api/{plural}/([\w.-]+/[\w.-]+)(/.*)?", path):
                return self._api(kind, match[1], (match[2] or "").split("/")[1:], body)
        if match := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+?)(\.git)?/info/lfs/objects/batch", path):
            return self._lfs(json.loads(body))
        if match := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve("dataset" if match[1] else "model", match[2], match[3], match[4])
        return self._refuse(404, "EntryNotFound", "nothing there")

    def _allowed(self, owner: str) -> bool:
        given = self.headers.get("Authorization")
        if given != f"Bearer {TOKEN}":
            self._refuse(401, "", "Invalid credentials in Authorization header")
            return False
        if owner != OWNER:
            self._refuse(403, "", f"You don't have the rights to create a model under the namespace {owner}")
            return False
        return True

    def _create(self, asked: dict) -> None:
        owner = asked.get("organization") or OWNER
        if not self._allowed(owner):
            return None
        name, kind = f"{owner}/{asked['name']}", asked.get("type", "model")
        address = {"url": f"{self.hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"}
        if (kind, name) in self.hub.repos:
            return self._send(address | {"error": "You already created this repo"}, 409)
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.make(name, kind, private)
        return self._send(address)

    def _api(self, kind: str, name: str, rest: list[str], body: bytes) -> None:
        repo = self.hub.repos.get((kind, name))
        if repo is None:
            return self._refuse(404, "RepoNotFound", "Repository not found")
        what, revision = (rest[0] if rest else "info"), (rest[1] if len(rest) > 1 else "main")
        if what in ("preupload", "commit") and not self._allowed(name.partition("/")[0]):
            return None
        if what == "preupload":
            files = json.loads(body)["files"]
            modes = [
                {"path": one["path"], "shouldIgnore": False, "uploadMode": _mode(one["path"])} for one in files
            ]
            return self._send({"files": modes})
        if what == "commit":
            where = f"datasets/{name}" if kind == "dataset" else name
            return self._commit(repo, where, [json.loads(line) for line in body.splitlines()])
        commit = _at(repo, revision)
        if commit is None:
            return self._refuse(404, "RevisionNotFound", "Invalid rev id")
        if what == "tree":
            return self._send(_tree(commit[1], "/".join(rest[2:])))
        siblings = [{"rfilename": file} for file in commit[1]]
        info = {"_id": "1", "id": name, "modelId": name, "sha": commit[0], "private": repo["private"]}
        return self._send(info | {"siblings": siblings, "tags": [], "downloads": 0, "likes": 0, "gated": False})

    def _commit(self, repo: dict, where: str, lines: list[dict]) -> None:
        files = dict(repo["commits"][-1][1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
        sha = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        repo["commits"].append((sha, files))
        self._send({"commitUrl": f"{self.hub.url}/{where}/commit/{sha}", "commitOid": sha})

    def _lfs(self, asked: dict) -> None:
        objects = [
            {
                "oid": one["oid"],
                "size": one["size"],
                "actions": {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}},
            }
            for one in asked["objects"]
        ]
        self._send({"transfer": "basic", "objects": objects}, kind="application/vnd.git-lfs+json")

    def _resolve(self, kind: str, name: str, revision: str, file: str) -> None:
        repo = self.hub.repos.get((kind, name))
        commit = _at(repo, revision) if repo else None
        if commit is None:
            code = "RevisionNotFound" if repo else "RepoNotFound"
            return self._refuse(404, code, "nothing there")
        if file not in commit[1]:
            return self._refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit[0]})
        content = commit[1][file]
        return self._content(
            content, {"X-Repo-Commit": commit[0], "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        )

    def _content(self, content: bytes, headers: dict[str, str] | None = None) -> None:
        start = 0
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(match[1]), int(match[2] or len(content) - 1) + 1
            headers = (headers or {}) | {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
            content = content[start:end]
        self.send_response(206 if "Content-Range" in (headers or {}) else 200)
        for key, value in (
            {"Content-Length": str(len(content)), "Accept-Ranges": "bytes"} | (headers or {})
        ).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            half = self.hub.half and re.search(self.hub.half, self.path)
            self.wfile.write(content[: len(content) // 2] if half else content)
            self.close_connection = bool(half)

    def _send(self, value: object, status: int = 200, kind: str = "application/json") -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        content = json.dumps({"error": message}).encode()
        self.send_response(status)
        for key, value in ({"X-Error-Code": code, "X-Error-Message": message} | (headers or {})).items():
            if value:
                self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _mode(path: str) -> str:
    return "lfs" if path.endswith((".safetensors", ".parquet")) else "regular"


def _at(repo: dict, revision: str) -> tuple[str, dict[str, bytes]] | None:
    if revision in ("main", "HEAD"):
        return repo["commits"][-1]
    return next((commit for commit in repo["commits"] if commit[0] == revision), None)


def _tree(files: dict[str, bytes], under: str) -> list[dict]:
    """All files below a folder, and the folders."""
    found = []
    folders = set()
    for path, content in files.items():
        if under and not path.startswith(f"{under}/"):
            continue
        parts = path.split("/")
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        found.append(
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        )
    return found + [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in sorted(folders)]
