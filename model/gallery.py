"""`python -m model.gallery`: real designs, real bugs, each with its verdict; and which ordering rule each breaks."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from model.cli import columns, print_lines, run, write_out
from model.errors import UsageError, did_you_mean
from model.verdict import PROVED, REFUTED, Verdict

if TYPE_CHECKING:
    from rich.text import Text

    from model.program import Program

FAMILIES = Path(__file__).with_name("designs")
QUICK = 1.0  # seconds that a row may take to be checked by default
RULES = (
    "clear_before_read",
    "no_blind_clear",
    "cache_within_kernel",
    "one_lock_around_sync",
    "collect_before_destroy",
    "mark_after_store",
    "armed_or_logged",
    "flush_before_read",
)


@dataclass(frozen=True)
class Row:
    """A recorded verdict at a size; `nightly` rows take longer than a second."""

    property: str
    pages: int
    sizes: Mapping[str, int]
    verdict: str
    depth: int
    states: int
    nightly: bool = False


@dataclass(frozen=True)
class Entry:
    """A design of the gallery.

    Attributes:
        entry: its number in the catalogue of real designs and bugs, such as K-14.
        certainty: "seen in source", "our reasoning" or "unconfirmed reading" (of current code: not a known bug).
        decided_by: the property that says whether it loses pages.
        breaks: ordering rules that it was found to break when it was recorded.
        fixed_by: for a design that loses pages, the commit or rule that mends it.
        expected: what the sources or our reasoning expected: "loss", "stale", "redundant" or "safe".
        any: properties that are proved for any number of everything.
        any_pages: the sizes at which it is proved for any number of pages, where it is.
    """

    design: str
    family: str
    entry: str
    certainty: str
    decided_by: str
    expected: str
    fixed_by: str = ""
    breaks: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    any: Mapping[str, str] = field(default_factory=dict)
    any_pages: Mapping[str, int] | None = None

    @property
    def deciding(self) -> Row | None:
        """The recorded row of the deciding property: a refuted one, the shortest, else the largest proved one."""
        rows = [r for r in self.rows if r.property == self.decided_by]
        refuted = [r for r in rows if r.verdict == "refuted"]
        if refuted:
            return min(refuted, key=lambda r: (r.depth, r.pages, sum(r.sizes.values())))
        return max(rows, key=lambda r: r.states, default=None)

    @property
    def scope(self) -> str:
        """What the verdict speaks of, in few words."""
        row = self.deciding
        if self.any.get(self.decided_by) == "proved":
            return "any number"
        if self.any_pages is not None:
            return ", ".join(["any pages", *(_count(n, s.lower()) for s, n in self.any_pages.items())])
        if row is None:
            return ""
        return ", ".join(
            _count(n, s) for s, n in (("page", row.pages), *((s.lower(), n) for s, n in row.sizes.items()))
        )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def entries() -> tuple[Entry, ...]:
    """Every design of the gallery: those of the 2019 discussion, then family by family."""
    found = [_entry(name, "discussion", table) for name, table in _tables(FAMILIES / "gallery.toml").items()]
    for file in sorted(FAMILIES.glob("*/gallery.toml")):
        found += [_entry(name, file.parent.name, table) for name, table in _tables(file).items()]
    return tuple(found)


def _tables(file: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads(file.read_text())


def _entry(name: str, family: str, table: Mapping[str, Any]) -> Entry:
    rows = [Row(**r) for r in table.get("rows", ())]
    always: Mapping[str, str] = table.get("any", {})
    if family == "discussion":
        rows, always = _from_manifest(name)
    plain = {k: v for k, v in table.items() if k in ("entry", "certainty", "expected", "fixed_by")}
    return Entry(
        name,
        family,
        decided_by=table["property"],
        rows=tuple(rows),
        any=always,
        any_pages=table.get("any_pages"),
        breaks=tuple(table.get("breaks", ())),
        **plain,
    )


def _from_manifest(name: str) -> tuple[list[Row], Mapping[str, str]]:
    from model.designs.manifest import recorded
    from model.designs.manifest import rows as manifest

    own = [r for r in manifest() if r.design == name]
    rows = [
        Row(r.property, r.pages, {"Client": r.clients}, r.verdict, r.depth, r.states, r.states > 1_000_000) for r in own
    ]
    everywhere = {r.property: recorded(name, r.property, {"pages": "any", "clients": "any"}) for r in own}
    return rows, {p: v for p, v in everywhere.items() if v == "proved"}


def source_of(design: str) -> str:
    """The first sentence of the design's `Source:` paragraph."""
    from model.designs.catalogue import load

    doc = load(design).__doc__ or ""
    text = " ".join(doc.partition("Source:")[2].split("\n\n")[0].split())
    return text


# ---------------------------------------------------------------- asking


def ask(entry: Entry, row: Row) -> Verdict:
    """The verdict of the packed engine at the size of the row."""
    from model.design import record
    from model.designs.catalogue import find_property, load
    from model.engines import lanes
    from model.instance import Instance
    from model.observing import invariant, observed

    design = load(entry.design)
    property = find_property(row.property, design)
    watched = observed(record(design), property)
    return lanes.search(Instance(watched, row.pages, row.sizes), [invariant(watched, property)])


def differences(found: Sequence[Entry], *, nightly: bool) -> Iterator[tuple[Entry, Row, Verdict, float, bool]]:
    """(entry, row, verdict, seconds, as recorded) of every recorded row; slow ones only where `nightly`."""
    for entry in found:
        for row in entry.rows:
            if row.nightly and not nightly:
                continue
            begin = monotonic()
            verdict = ask(entry, row)
            same = (row.verdict, row.depth, row.states) == (verdict.word, verdict.depth, verdict.states)
            yield entry, row, verdict, monotonic() - begin, same


def rule_verdicts(entry: Entry) -> dict[str, str]:
    """What each ordering rule says of the design at its recorded size: "keeps", "breaks" or "-" (does not apply)."""
    from model.design import record
    from model.designs.catalogue import built_in_properties, load

    program = record(load(entry.design))
    row = entry.deciding
    known = built_in_properties()
    return {name: _rule(program, known[name], row) for name in RULES}


def _rule(program: Program, rule: Any, row: Row | None) -> str:
    from model.engines import lanes
    from model.engines.limits import Limits
    from model.instance import Instance
    from model.observing import invariant, observed

    try:
        watched = observed(program, rule)
        holds = invariant(watched, rule)
    except UsageError:
        return "-"
    sizes = {} if row is None else row.sizes
    pages = 1 if row is None or row.states > 100_000 else row.pages
    verdict = lanes.search(Instance(watched, pages, sizes), [holds], Limits(states=2_000_000))
    return {"proved": "keeps", "refuted": "breaks"}.get(verdict.word, "?")


# ---------------------------------------------------------------- showing


def verdict_word(entry: Entry) -> str:
    """The recorded verdict of the property that decides."""
    row = entry.deciding
    return {None: "not recorded", "refuted": "refuted", "proved": "proved"}.get(
        row.verdict if row else None, "undetermined"
    )


def record_of(entry: Entry) -> dict[str, Any]:
    """One entry as plain data."""
    row = entry.deciding
    return {
        "family": entry.family,
        "design": entry.design,
        "entry": entry.entry,
        "property": entry.decided_by,
        "verdict": verdict_word(entry),
        "moves": row.depth if row and row.verdict == "refuted" else None,
        "scope": entry.scope,
        "expected": entry.expected,
        "certainty": entry.certainty,
        "fixed_by": entry.fixed_by,
        "breaks": list(entry.breaks),
        "source": source_of(entry.design),
    }


HEAD = ("family", "design", "entry", "verdict", "moves", "scope", "certainty", "source")


def _cells(entry: Entry) -> list[str]:
    record = record_of(entry)
    return ["" if record[name] is None else str(record[name]) for name in HEAD]


def _cut(line: str, width: int) -> str:
    line = line.rstrip()
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def as_text(found: Sequence[Entry], width: int) -> Iterator[Text]:
    """One line a design, cut to the width; a pipe is as wide as they are."""
    from rich.text import Text

    rows = [_cells(e)[:-1] for e in found]
    widths = [max(len(r[i]) for r in [*rows, list(HEAD[:-1])]) for i in range(len(HEAD) - 1)]
    yield Text(_cut("  ".join(f"{h:{w}}" for h, w in zip(HEAD[:-1], widths, strict=True)), width), "bold")
    for row in rows:
        yield Text(_cut("  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)), width))
    refuted = sum(verdict_word(e) == "refuted" for e in found)
    proved = sum(e.any.get(e.decided_by) == "proved" for e in found)
    pages = sum(e.any_pages is not None for e in found)
    yield Text()
    yield Text(
        f"{len(found)} designs: {refuted} refuted, {len(found) - refuted} safe; "
        f"{proved} proved for any number, {pages} for any number of pages."
    )


def as_markdown(found: Sequence[Entry]) -> str:
    """A table for a review."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    lines += [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in _cells(e))} |" for e in found]
    return "\n".join(lines) + "\n"


def as_html(found: Sequence[Entry]) -> str:
    """A page of its own."""
    head = "".join(f"<th scope=col>{h}</th>" for h in HEAD)
    body = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in _cells(e))}</tr>\n" for e in found)
    style = "body{font-family:sans-serif;margin:1em}td,th{padding:.2em .6em;text-align:left;vertical-align:top}"
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Gallery of dirty-tracking designs</title>\n"
        f"<style>{style}</style>\n<h1>Real designs, real bugs</h1>\n<table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table>\n</html>\n"
    )


def as_json(found: Sequence[Entry]) -> str:
    """Plain data, one object a design."""
    return json.dumps({"version": 1, "designs": [record_of(e) for e in found]}, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Entry]], str]] = {"markdown": as_markdown, "html": as_html, "json": as_json}


def matrix(found: Sequence[Entry]) -> str:
    """Designs by ordering rules, every cell asked of the engine, as Markdown; and what each rule says."""
    from model.designs.catalogue import built_in_properties

    known = built_in_properties()
    lines = [f"| design | verdict | {' | '.join(f'`{r}`' for r in RULES)} |", f"|{'---|' * (len(RULES) + 2)}"]
    for entry in found:
        said = rule_verdicts(entry)
        lines.append(f"| {entry.design} | {verdict_word(entry)} | {' | '.join(said[r] for r in RULES)} |")
    lines += ["", "keeps: holds in every reachable state of the recorded size; breaks: refuted; -: does not apply.", ""]
    for rule in RULES:
        lines += [f"## {rule}", "", " ".join(known[rule].doc.replace("Source:", "\nSource:").split()), ""]
    return "\n".join(lines)


# ---------------------------------------------------------------- the command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Only this family; may be repeated.")
@click.option("--property", "properties", multiple=True, metavar="NAME", help="Only what this property decides.")
@click.option("--format", "form", type=click.Choice(("text", *FORMATS)), default="text", show_default=True)
@click.option("--matrix", "rules", is_flag=True, help="Which design breaks which ordering rule, asked now.")
@click.option("--check", "again", is_flag=True, help="Run every recorded verdict again and compare.")
@click.option("--nightly", is_flag=True, help="With --check: also those that take longer than a second.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(designs: tuple[str, ...], **options: Any) -> int:
    """Show real designs and bugs with their verdicts; --check runs them again against the record.

    Exit code 1 where --check finds a verdict, a depth or a count that is not the recorded one.
    """
    found = chosen(designs, options["families"], options["properties"])
    if options["again"]:
        return _check(found, options["nightly"], options["color"])
    if options["rules"]:
        write_out(matrix(found), options["output"])
    elif options["form"] == "text" and not options["output"]:
        print_lines(as_text(found, columns(options["color"]) if sys.stdout.isatty() else sys.maxsize), options["color"])
    elif options["form"] == "text":
        write_out("".join(f"{line.plain}\n" for line in as_text(found, 1000)), options["output"])
    else:
        write_out(FORMATS[options["form"]](found), options["output"])
    return PROVED


def chosen(designs: Sequence[str], families: Sequence[str], properties: Sequence[str]) -> list[Entry]:
    """The entries that are asked for.

    Raises:
        UsageError: a design, a family or a property is not in the gallery.
    """
    found = list(entries())
    _known("design", designs, {e.design for e in found})
    _known("family", families, {e.family for e in found})
    _known("property", properties, {e.decided_by for e in found})
    return [
        e
        for e in found
        if (not designs or e.design in designs)
        and (not families or e.family in families)
        and (not properties or e.decided_by in properties)
    ]


def _known(what: str, asked: Sequence[str], known: set[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"the gallery has no {what} '{name}'{did_you_mean(name, sorted(known))}")


def _check(found: Sequence[Entry], nightly: bool, color: str) -> int:
    from rich.text import Text

    count, wrong = 0, 0
    for entry, row, verdict, _, same in differences(found, nightly=nightly):
        count += 1
        if not same:
            wrong += 1
            said = f"{verdict.word}, depth {verdict.depth}, {verdict.states:,} states"
            kept = f"{row.verdict}, depth {row.depth}, {row.states:,} states"
            print_lines([Text(f"{entry.design} {row.property}: {said}; recorded: {kept}", "bold red")], color)
    print_lines([Text(f"{count} recorded verdicts were run again, {wrong} came out differently.")], color)
    return REFUTED if wrong else PROVED


if __name__ == "__main__":
    run(command, "python -m model.gallery")
