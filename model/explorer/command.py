"""`clearorder explore [DESIGN]`: a page on this machine where a person takes the moves of a design by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import Sizes, by_property, collected, sized
from model.cli.terminal import complain
from model.errors import UsageError
from model.verdict import INTERRUPTED

if TYPE_CHECKING:
    from model.explorer.session import Session

DEFAULT = "top-layer"


@dataclass(frozen=True)
class Options(Sizes):
    """What was asked on the command line."""

    properties: tuple[str, ...]
    moves: str
    port: int


@verb("clearorder explore top-layer")
@click.argument("design", default=DEFAULT)
@sized(pages=1)
@by_property("properties", "What every state is judged by; may be repeated. Default: no_lost_write and promise_kept.")
@click.option("--moves", default="", metavar="N.N.N", help="Start there: what stands behind moves= in a link.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of 127.0.0.1. Default: a free one.")
@collected(Options)
def command(design: str, options: Options) -> int:
    """Take the moves of DESIGN by hand in a browser, and let it show the nearest bad state.

    DESIGN is a built-in name (`python -m model.check --list`), a file my_design.py, or my_design.py:ClassName; without
    one it is top-layer. The address is printed on stdout; only this machine can open it, and only with the token in
    it. Ctrl-C stops the server.

    Exit codes: 2 bad use or an ill-formed design, 70 internal error, 130 stopped by Ctrl-C.
    """
    from model.explorer.server import Server

    session = _session(design, options)
    first = _first(session, options.moves)
    server = Server(session, options.port, complain)
    try:
        click.echo(server.url + first)
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        complain("stopped.")
    finally:
        server.server_close()
    return INTERRUPTED


def _session(spec: str, options: Options) -> Session:
    from model.designs.environment import load_in
    from model.explorer.session import Session
    from model.verify.defaults import asked_of
    from model.verify.question import sized_program

    design = load_in(spec, options.environment)
    _, sizes = sized_program(design, options.clients, dict(options.extra))
    return Session(design, asked_of(design, tuple(options.properties)), options.pages, sizes)


def _first(session: Session, moves: str) -> str:
    """The end of the address that opens the page at these moves."""
    from urllib.parse import urlencode

    from model.explorer.server import numbers

    try:
        session.walk(numbers(moves))
    except ValueError as wrong:
        raise UsageError(f"--moves {moves}: {wrong}.") from None
    return "#" + urlencode({"run": "live", "design": session.digest, "moves": moves}) if moves else ""
