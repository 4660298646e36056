"""Templates of the HTML pages: escaped by default, everything inline, and a policy that forbids any other script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parents[1] / "templates"


@cache
def environment() -> Environment:
    """The Jinja environment: autoescape on, an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from reports.pages.links import linked, ticked

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"linked": linked, "ticked": ticked}
    return made


def fragment(macro: str, *values: object) -> str:
    """The markup that a macro of `parts.html` makes of some values."""
    module = environment().get_template("parts.html").module
    return str(getattr(module, macro)(*values))


def asset(name: str) -> str:
    """The text of a style sheet or script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def page(template: str, *, connect: str = "'none'", styles: Iterable[str] = (), **values: Any) -> str:
    """A whole page with its style and script inline.

    Args:
        connect: what the script may fetch, as a source of a content security policy.
        styles: names of further style sheets.

    Only the two texts that are inlined here may run or style anything: the policy names their hashes, so that a
    name or a docstring of a design could not become a script even if it were not escaped.
    """
    style = "".join(asset(name) for name in ("page.css", "graph.css", *styles))
    script = asset("explorer.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return environment().get_template(template).render(style=style, script=script, policy=policy, **values)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
