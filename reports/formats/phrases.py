"""Sentences and spellings that several formats share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from model import __version__
from model.errors import Place, UsageError
from model.expr import Client
from model.printing.lines import wrapped
from model.verdict import Proved, Refuted, Undetermined
from model.verify import result_text as text
from model.verify.narration import Line, Story
from model.verify.result import Evidence, Result

ASCII = {
    **{"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "≤": "<="},
    **{"≥": ">=", "≠": "/=", "×": "x", "·": "-", "•": "-", "∈": "in", "∪": "|", "∩": "&", "∅": "{}", "ß": "ss"},
    **{"æ": "ae", "ø": "o", "Æ": "AE", "Ø": "O", "\u00a0": " ", "⁺": "+"},
}
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tool() -> dict[str, str]:
    """Who made a report: `{"name": "clearorder", "version": …, "z3": …}`."""
    try:
        z3 = version("z3-solver")
    except PackageNotFoundError:
        z3 = "not installed"
    return {"name": "clearorder", "version": __version__, "z3": z3}


# ---------------------------------------------------------------- spellings


def one_line(said: str) -> str:
    """`said` without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())


def ascii_line(said: str) -> str:
    """`said` on one line of printable ASCII: accents dropped, signs spelled out, the rest a question mark."""
    spelled = "".join(ASCII.get(c, c) for c in one_line(said))
    letters = unicodedata.normalize("NFKD", spelled)
    kept = "".join(c for c in letters if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in kept)


def folded(said: str, width: int, indent: int = 0) -> list[str]:
    """`said` on lines of that width, broken between words and never at a hyphen; what goes on is indented."""
    return [line.plain for line in wrapped(said, width, indent)] if said else []


def xml_text(said: str) -> str:
    """`said` as XML 1.0 can hold it: what it forbids becomes U+FFFD."""
    return FORBIDDEN.sub("\ufffd", said)


def escaped(said: str) -> str:
    """`said` between XML or HTML tags, or in a quoted attribute."""
    from html import escape

    return escape(xml_text(said), quote=True)


# ---------------------------------------------------------------- sentences


def name(result: Result) -> str:
    """`top-layer: no_lost_write`, on one line."""
    return one_line(f"{result.design}: {result.property}")


def headline(result: Result) -> str:
    """One sentence: what was asked, what the verdict is and of which scope, without a full stop."""
    if isinstance(result.verdict, Refuted):
        told = f"refuted ({result.story.size})" if result.story else f"refuted ({text.scope(result.scope)})"
    elif isinstance(result.verdict, Proved):
        told = f"proved for {text.scope(result.scope)}"
    else:
        told = f"undetermined at {text.scope(result.scope)}: {reason(result)}"
    return one_line(f"{result.design} {result.property}: {told}")


def reason(result: Result) -> str:
    """Why a result is undetermined, or an empty string."""
    return one_line(result.verdict.reason) if isinstance(result.verdict, Undetermined) else ""


def basis(result: Result) -> list[str]:
    """What the verdict rests on: one sentence per engine, then the notes."""
    return [one_line(said) for said in (*map(Evidence.sentence, result.evidence), *result.notes)]


def title(result: Result) -> str:
    """What a counterexample shows, or the headline where there is none."""
    return one_line(result.story.title) if result.story else headline(result)


def why(story: Story) -> str:
    """The argument as one sentence with a full stop, or an empty string."""
    return one_line(text.why(story).removeprefix("Why: "))


def aftermath(story: Story) -> str:
    """What becomes of a broken promise, as a sentence, or an empty string."""
    return one_line(f"Then: {story.aftermath}.") if story.aftermath else ""


def changes(line: Line) -> list[str]:
    """`kernel {0}`, `unread MIGRATION {0}, VGA {0}`: one entry per part."""
    return [one_line(change) for change in text.changes(line.changes)]


def verb(line: Line) -> str:
    """What the thread does, without its name: `clear.cleared page 0`."""
    return one_line(line.text.removeprefix(f"{line.thread}: "))


def lines(result: Result) -> tuple[Line, ...]:
    """The moves and what follows them."""
    return (*result.story.lines, *result.story.tail) if result.story else ()


def is_broken(line: Line) -> bool:
    """The move after which nothing promises the page any more."""
    return line.broken


def fatal(result: Result) -> Line | None:
    """The move to point at: the one that breaks the promise, else the last of the counterexample."""
    told = result.story.lines if result.story else ()
    return next((line for line in told if is_broken(line)), told[-1] if told else None)


def place(said: str | None) -> Place | None:
    """`file.py:12` as file and line."""
    file, _, line = (said or "").rpartition(":")
    return Place(file, int(line)) if file and line.isdigit() else None


def place_of(result: Result) -> Place | None:
    """Where a reader should look first: the fatal step, else the design."""
    line = fatal(result)
    return (place(line.place) if line else None) or result.program.place


def threads(result: Result) -> list[str]:
    """The threads that move, the clients after all others."""
    trace = result.whole or result.trace
    moves = trace.moves if trace else ()
    found = {
        (m.ground.sort == Client.name, m.ground.thread, told.thread)
        for m, told in zip(moves, lines(result), strict=True)
    }
    return list(dict.fromkeys(thread for _, _, thread in sorted(found)))


# ---------------------------------------------------------------- formats that show one result


def single(results: Sequence[Result], form: str) -> Result:
    """The only result.

    Raises:
        UsageError: there are several; the message says how to choose.
    """
    if len(results) != 1:
        raise UsageError(
            f"--format {form} shows one property of one design, not {len(results)}: name one DESIGN and one --property."
        )
    return results[0]
