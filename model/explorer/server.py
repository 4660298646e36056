"""A loopback server for one session, on the standard library's `http.server`.

That is enough: one reader, a handful of GET requests, no state, no upload. A framework would bring a dependency and a
larger surface for the same four paths. What `http.server` leaves open is closed here: it answers only this host and
port (DNS rebinding), only requests that no other site started, only with the token of this run in the path, and
everything it refuses is a JSON object with a 4xx status, after which it goes on.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from model.errors import UsageError
from model.explorer.session import Session

HOST = "127.0.0.1"
SECONDS = 10.0  # that a client may take to say what it wants
MOST_LINE = 8_000
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Refused(Exception):
    """A request that is not answered: its status and why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Server(ThreadingHTTPServer):
    """Serves one session until it is shut down.

    Args:
        port: of 127.0.0.1; 0 takes a free one.
        report: told of what goes wrong in here, one line each; the server goes on.

    Raises:
        UsageError: the port is taken.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, session: Session, port: int = 0, report: Callable[[str], None] = lambda text: None) -> None:
        self.session, self.report, self.token = session, report, secrets.token_urlsafe(18)
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as wrong:
            why = getattr(wrong, "strerror", None) or wrong
            raise UsageError(f"cannot listen on {HOST}:{port}: {why}; --port 0 takes a free one.") from None

    def server_bind(self) -> None:
        """Bind without asking a name server what this host is called, as `HTTPServer` would."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def url(self) -> str:
        """The address of the page; the token in it is what lets a request in."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(f"{name}:{self.server_port}" for name in (HOST, "localhost"))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's error; anything else is reported."""
        wrong = sys.exc_info()[1]
        if not isinstance(wrong, OSError):
            self.report(f"{type(wrong).__name__}: {wrong}")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version, sys_version = "clearorder", ""
    timeout: ClassVar[float] = SECONDS
    raw_requestline: bytes

    def do_GET(self) -> None:
        try:
            kind, body = self._answer()
        except Refused as refused:
            self._send(refused.status, "application/json", _json({"error": refused.why}))
        except Exception as bug:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", _json({"error": "a bug in clearorder"}))
            self.server.report(f"internal error: {type(bug).__name__}: {bug}")
        else:
            self._send(HTTPStatus.OK, kind, body)

    do_HEAD = do_GET

    def parse_request(self) -> bool:
        """As `http.server` does, but a request line of nothing but blanks is refused too, not dropped."""
        if self.raw_requestline.decode("iso-8859-1").split():
            return super().parse_request()
        self.requestline = self.command = ""
        self.send_error(HTTPStatus.BAD_REQUEST)
        return False

    # -- who may ask

    def _answer(self) -> tuple[str, bytes]:
        self._admit()
        if len(self.path) > MOST_LINE:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, f"an address has at most {MOST_LINE} characters here")
        try:
            address = urlsplit(self.path)
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "this is not an address") from None
        token = address.path.lstrip("/").partition("/")[0]
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "the address lacks the token that this run has printed")
        path = address.path.removeprefix(f"/{self.server.token}")
        return self._page(path, address.query)

    def _admit(self) -> None:
        """Refuse what another host's page or another site's page has caused.

        Source: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/.
        """
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, f"only {HOST}:{self.server.server_port} is served here")
        for origin in self.headers.get_all("Origin") or []:
            if origin not in {f"http://{host}" for host in self.server.hosts}:
                raise Refused(HTTPStatus.FORBIDDEN, "a page of another origin asked for this")
        for site in self.headers.get_all("Sec-Fetch-Site") or []:
            if site not in ("same-origin", "none"):
                raise Refused(HTTPStatus.FORBIDDEN, "another site led here; paste the address into a new tab")

    # -- what is asked

    def _page(self, path: str, query: str) -> tuple[str, bytes]:
        if path == "/":
            return "text/html", self.server.session.page().encode()
        asked = {"/api/position": ("moves",), "/api/nearest": ("moves",), "/api/counterexample": ("property",)}
        if path not in asked:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        try:
            words = _words(query, asked[path])
            return "application/json", _json(self._ask(path.rpartition("/")[2], words))
        except ValueError as wrong:
            raise Refused(HTTPStatus.BAD_REQUEST, str(wrong)) from None

    def _ask(self, what: str, words: dict[str, str]) -> dict[str, Any]:
        session = self.server.session
        if what == "counterexample":
            return session.counterexample(words["property"])
        moves = numbers(words["moves"])
        return session.position(moves) if what == "position" else session.nearest(moves)

    # -- how it is said

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.request_version = "HTTP/1.1"  # also where the request line was too broken to name one
        self.close_connection = True
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What `http.server` refuses by itself: a broken request line, broken or too many headers, another method."""
        changed = {501: HTTPStatus.METHOD_NOT_ALLOWED, 505: HTTPStatus.BAD_REQUEST}
        status = changed.get(code) or HTTPStatus(code)
        self.command = self.command if getattr(self, "command", None) else ""
        self._send(status, "application/json", _json({"error": status.phrase.lower()}))

    def finish(self) -> None:
        """Close so that the answer arrives: closing while unread bytes wait would reset the connection."""
        super().finish()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(0.2)
            for _ in range(64):
                if not self.connection.recv(65_536):
                    break

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: the address holds the token."""


def numbers(text: str) -> list[int]:
    """`0.5.12` as numbers; the empty text is no move.

    Raises:
        ValueError: it is anything else.
    """
    if not text:
        return []
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})*", text):
        raise ValueError("moves are numbers with dots between them, such as 0.5.12")
    return [int(word) for word in text.split(".")]


def _words(query: str, wanted: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a query: exactly those that are wanted, each once."""
    found = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=8, errors="strict")
    if sorted(name for name, _ in found) != sorted(wanted):
        raise ValueError(f"the parameters are: {', '.join(wanted)}; each once")
    return dict(found)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
