"""Commits and mails that pages speak of, as links: to the repository they are in, and to the archive of the list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

QEMU = "https://gitlab.com/qemu-project/qemu/-/commit/"
LINUX = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/commit/?id="
XZPETER = "https://github.com/xzpeter/qemu/commit/"
LIST = "https://lore.kernel.org/qemu-devel/"

COMMITS: Mapping[str, str] = {
    **dict.fromkeys(("9f4bf4baa8", "36adac4934", "ff4aa11419", "4222147dfb", "002cad6b16", "4054adbdd2"), QEMU),
    **dict.fromkeys(("ebd1e5c410", "52993373c2"), XZPETER),
    "2a31b9db1535": LINUX,
}
MAILS: Mapping[str, str] = {  # the discussion, by author and hour
    "cover letter": "20190508061523.17666-1-peterx@redhat.com",
    "Paolo Bonzini 12:09": "4df1963e-5b76-4990-6c2f-a66ecd172869@redhat.com",
    "Peter Xu 19:39": "20190508113929.GE18465@xz-x1",
    "Paolo Bonzini 13:55": "a32b877c-1303-f378-316b-c564a8ccc419@redhat.com",
}
DATED = {  # how the designs' docstrings name them
    "2019-05-08 19:39 +0800": "Peter Xu 19:39",
    "the mail of 2019-05-08": "Peter Xu 19:39",
    "[PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG": "cover letter",
}
_KNOWN = re.compile("|".join(map(re.escape, (*COMMITS, *DATED))))


def mail(name: str) -> str:
    """The address of a mail of the discussion in the archive of the list, by its Message-ID."""
    return f"{LIST}{MAILS[name]}/"


def address(words: str) -> str:
    """Where a commit or a dated mail can be read."""
    return mail(DATED[words]) if words in DATED else COMMITS[words] + words


def known(text: str) -> list[str]:
    """The commits and dated mails of a text that have an address."""
    return [match[0] for match in _KNOWN.finditer(text)]


def ticked(text: str) -> Markup:
    """The text as markup, with what stands in `backticks` as code."""
    from markupsafe import Markup, escape

    parts = [
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts) if len(parts) % 2 else escape(text)


def linked(text: str) -> Markup:
    """The text as markup, with a link behind each commit and mail that is known."""
    from markupsafe import Markup, escape

    found, end = Markup(""), 0
    for match in _KNOWN.finditer(text):
        found += escape(text[end : match.start()])
        found += Markup('<a href="{}">{}</a>').format(address(match[0]), match[0])
        end = match.end()
    return found + escape(text[end:])
