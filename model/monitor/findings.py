"""What the monitor found, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from model.expr import Client
from model.monitor.judgement import BLIND, CERTAIN, SHOWN_BY, Finding, Findings, Moment
from model.monitor.slot import REMEMBERED

if TYPE_CHECKING:
    from rich.text import Text

SHOWN, SHOWN_DAMAGES, SHOWN_RANGES = 20, 10, 8
RULE = "No CLEAR of a bit that no GET reported since it was last cleared."
RULES = {
    BLIND: RULE,
    "unread-page": "Where a VMM marks its reads: a page that is taken out of the log is read after that.",
    "dropped-log": "A log is asked once more before it is switched off or deleted.",
    "initially-set-cleared": "A log that begins all ones is asked before it is cleared.",
}
WHAT = {
    "unread-page": "takes pages that no marked read follows",
    "dropped-log": "the log is dropped with pages that no GET has asked about since they were cleared",
    "initially-set-cleared": "CLEAR of pages that no GET had reported, INITIALLY_SET or not",
}


def pages(finding: Finding, shown: int = SHOWN_RANGES) -> str:
    """`3, 5-9 and 117 more`: the blind pages."""
    ranges = finding.ranges[:shown]
    text = ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)
    left = finding.pages - sum(b - a + 1 for a, b in ranges)
    return f"{text} and {left:,} more" if left else text


def seconds(at: Moment, start: int | None) -> str:
    """Time since the first ioctl of the recording."""
    return "" if at.time is None or start is None else f" at {(at.time - start) / 1e9:.6f} s"


def ioctl(at: Moment, start: int | None) -> str:
    return f"line {at.line} ({who(at)}{seconds(at, start)})"


def who(at: Moment) -> str:
    """Process and thread; one number where they are the same."""
    return f"process {at.process}, thread {at.thread}" if at.process not in (0, at.thread) else f"process {at.thread}"


def should_have_followed(finding: Finding, start: int | None) -> str:
    """What the ioctl should have followed, in words."""
    if finding.rule != BLIND:
        page, after = finding.ranges[0][0], ioctl(finding.cleared, start) if finding.cleared else "its begin"
        return {
            "unread-page": f"a read of page {page} should have followed it",
            "dropped-log": f"should have followed a GET after the CLEAR at {after}",
            "initially-set-cleared": f"should have followed a GET that reports page {page}",
        }[finding.rule]
    return f"should have followed {_get_before(finding, start)}"


def _get_before(finding: Finding, start: int | None) -> str:
    """Which GET a blind CLEAR should have followed."""
    if finding.cleared and finding.get and finding.cleared.line == finding.get.line:
        return f"the GET at {ioctl(finding.get, start)} reported and cleared the first of them; none since"
    if finding.far:
        return (
            f"a GET that reports page {finding.ranges[0][0]}; the last that did is further back than the "
            f"{REMEMBERED} ioctls of the slot that are kept to name it"
        )
    since = f"the CLEAR at {ioctl(finding.cleared, start)}" if finding.cleared else "the log began"
    if finding.case == "unknown":
        since = "the gap in the recording" if not finding.cleared else since
    if finding.cleared and finding.get:
        return f"a GET after {since}; the last to report page {finding.ranges[0][0]} was at {ioctl(finding.get, start)}"
    if finding.get:
        return f"the GET at {ioctl(finding.get, start)}, which it overlaps"
    return f"a GET that reports page {finding.ranges[0][0]}; none has since {since}"


def headline(found: Findings) -> tuple[str, str]:
    """The verdict of one recording in a line, and its style."""
    counts = f"{found.counts['clear']:,} CLEARs, {found.counts['get']:,} GETs"
    counts += f", {found.counts['reset']:,} RESETs" if found.counts["reset"] else ""
    failed = [
        f"{found.counts['failed_' + k]:,} {k.upper()}s failed" for k in ("clear", "get") if found.counts["failed_" + k]
    ]
    counts += f" ({', '.join(failed)})" if failed else ""
    doubts = [f"{found.possible:,} possible"] if found.possible else []
    doubts += [f"{found.damaged:,} damaged line{'s' * (found.damaged != 1)}"] if found.damaged else []
    also = f"; {', '.join(doubts)}" if doubts else ""
    if found.blind or found.broken:
        word = "CLEARs" if found.blind != 1 else "CLEAR"
        certain = [f"{found.blind:,} blind {word} of {found.counts['clear']:,}"] if found.blind else []
        certain += [f"{found.broken:,} broken by another rule"] if found.broken and found.blind else []
        certain += [f"{_rules(found)} in {counts}"] if found.broken and not found.blind else []
        return f"{found.file}: {', '.join(certain)}{also}", "bold red"
    if found.exit_code:
        doubt = "".join(f"{d}, " for d in doubts)
        return f"{found.file}: undetermined, {doubt}no certain blind CLEAR in {counts}", "bold yellow"
    return f"{found.file}: no blind CLEAR in {counts}", "bold green"


def _rules(found: Findings) -> str:
    names = sorted({f.rule for f in found.listed if f.judgement == CERTAIN})
    return f"{found.broken:,} finding{'s' * (found.broken != 1)} ({', '.join(names)})"


def text(all_findings: Sequence[Findings], *, width: int, verbose: bool = False) -> Iterator[Text]:
    """A verdict for each recording, then its findings, damages and notes; all findings where `verbose`."""
    from model.printing.lines import wrapped

    for found in all_findings:
        for line, indent, style in _lines(found, verbose):
            yield from wrapped(line, width, indent, style)


def _lines(found: Findings, verbose: bool) -> Iterator[tuple[str, int, str]]:
    """(line, where what does not fit goes on, style)."""
    line, style = headline(found)
    yield line, 2, style
    yield from ((f"  not known, because {reason}.", 4, "") for reason in found.reasons[:SHOWN])
    for problem in found.damages[:SHOWN_DAMAGES]:
        yield f"  line {problem.line}: {problem.problem}", 4, ""
    if found.damaged > SHOWN_DAMAGES:
        yield f"  and {found.damaged - SHOWN_DAMAGES:,} more damaged lines", 4, ""
    shown = found.listed if verbose else found.listed[:SHOWN]
    for finding in shown:
        yield from ((row, 6, "") for row in _finding(finding, found.start))
    left = found.blind + found.broken + found.possible - len(shown)
    if left:
        yield f"  and {left:,} more{'' if verbose else '; -v lists them'}", 4, ""
    offender = next((f for f in found.listed if f.judgement == CERTAIN and f.rule == BLIND), None)
    if offender:
        yield from ((row, 4, "") for row in _drawn(offender, found.start))
    for case in sorted({f.case for f in found.listed}):
        yield f"  {_case(found, case)}", 4, ""
        yield from ((f"    {n:3} {move}", 10, "") for n, move in enumerate(trace(case), 1))
    yield from ((f"  {note}", 4, "") for note in found.notes)


def _finding(finding: Finding, start: int | None) -> Iterator[str]:
    at = f"slot {finding.slot}, {who(finding.clear)}{seconds(finding.clear, start)}"
    yield f"  line {finding.clear.line}: {finding.judgement}: {at}: {what(finding)}"
    yield f"      {should_have_followed(finding, start)}"


def what(finding: Finding) -> str:
    """What the ioctl does, and to which pages."""
    if finding.rule != BLIND:
        return f"{WHAT[finding.rule]}, {finding.pages:,} of {finding.mask:,}: {pages(finding)}"
    word = "blind" if finding.judgement == CERTAIN else "possibly blind"
    return f"CLEAR {word} on {finding.pages:,} of {finding.mask:,} pages: {pages(finding)}"


def _drawn(finding: Finding, start: int | None) -> Iterator[str]:
    """The first offender as three columns: the GET, the CLEAR that acted on it, and the CLEAR that is blind."""
    page = finding.ranges[0][0]
    yield f"  The first of them, page {page} of slot {finding.slot}:"
    moves = list(enumerate(trace(finding.case), 1))
    syncs = [n for n, text in moves if "sync" in text]
    clears = [n for n, text in moves if "cleared" in text]
    acted = clears[0] if len(clears) > 1 else None
    far = "further back"
    unreported, untaken = (far, far) if finding.far else ("none had reported it", "none had taken it")
    columns = (
        _column("GET", finding.get, start, "reports it", unreported, syncs[0] if syncs else None),
        _column("CLEAR", finding.cleared, start, "takes it", untaken, acted),
        _column("CLEAR", finding.clear, start, "takes it: blind", "", clears[-1] if clears else None),
    )
    for row in zip(*columns, strict=True):
        yield "    " + "".join(f"{cell:<25}" for cell in row).rstrip()


def _column(
    name: str, at: Moment | None, start: int | None, does: str, absent: str, move: int | None
) -> tuple[str, ...]:
    """Head, place, thread, what it does, and the model's move that is like it."""
    if at is None:
        return name, "-", "", absent, ""
    return (
        name,
        f"line {at.line}{seconds(at, start)}",
        f"thread {at.thread}",
        does,
        f"as move {move} below" if move else "",
    )


def _case(found: Findings, case: str) -> str:
    sample = next(f for f in found.listed if f.case == case)
    lines = [f.clear.line for f in found.listed if f.case == case]
    where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:5]))}{', …' * (len(lines) > 5)}"
    shown = f" {sample.design} on the model, the shortest such loss:" if sample.design else ""
    return f"What can happen next ({where}): {sample.next}{shown}"


@cache
def trace(case: str) -> tuple[str, ...]:
    """The moves of a shortest loss of the design that a case is like; empty where there is no such design."""
    if case not in SHOWN_BY:
        return ()
    from model.designs.catalogue import find_property, load
    from model.verify.portfolio import answer
    from model.verify.question import Question

    found = answer(Question(load(SHOWN_BY[case]), find_property("no_lost_write"), 2, {Client.name: 2}, "lanes"))
    return tuple(line.text for line in found.story.lines) if found.story else ()
