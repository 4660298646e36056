"""The evidence pack: one HTML file that needs nothing else, and beside it everything in it for machines.

Everything is written the same way every time: no dates, no timings (`seconds` is 0 in `results.json`), no absolute
paths, so that two packs of the same results are the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from model.errors import UsageError
from model.instance.trace import Trace
from model.program.program import Program
from model.studies.surroundings import Surrounded
from model.verify.again import spec_of
from model.verify.result import Result
from model.verify.result_text import scope
from reports.difference import Difference, as_text, difference, pairs
from reports.formats import json_v1 as as_json
from reports.formats import text
from reports.pages.asked import command_of
from reports.pages.assumptions import ATOMIC, left_out, source_of, story_of
from reports.pages.positions import recorded
from reports.pages.render import page
from reports.pages.replays import Recording, Replay, replays_of
from reports.pages.sources import Written, written
from reports.pages.state_graph import Picture, picture
from reports.pages.surroundings import table
from reports.sequence import Diagram, diagram

SUMS = "SHA256SUMS"
VISITORS = ("explicit", "lanes")  # engines whose proof is that they have seen every state


@dataclass(frozen=True)
class Around:
    """What a pack says besides its results.

    Attributes:
        title: of the page; by default it names the designs.
        beside: further files by name; the page links those that are pages.
        surroundings: designs in their environments, for a table of both.
        recordings: what was recorded of real VMMs.
        certificates: with the files by which another solver checks the proofs.
    """

    title: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    surroundings: Sequence[Surrounded] = ()
    recordings: Sequence[Recording] = ()
    certificates: bool = True


def write(
    results: Sequence[Result], directory: Path, tool: Mapping[str, str], around: Around | None = None
) -> list[Path]:
    """Write the evidence pack of these results into a directory, which is made where there is none.

    What an earlier pack left there and nobody changed since is replaced; other files are left alone.

    Args:
        tool: names and versions that the pack states, such as {"name": "clearorder", "version": "0.1.0", "z3": …};
            whatever stands there is in the bytes.
        around: a title, further files, and what else the page is to show.

    Returns:
        The files written, `index.html` first.

    Raises:
        UsageError: the directory cannot be written.
    """
    files = contents([_timeless(r) for r in results], tool, around)
    sums = "".join(f"{hashlib.sha256(body.encode()).hexdigest()}  {name}\n" for name, body in files.items())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _clear(directory)
        return [_put(directory / name, body) for name, body in {**files, SUMS: sums}.items()]
    except OSError as wrong:
        raise UsageError(f"cannot write the pack to {directory}: {wrong.strerror or wrong}.") from None


def contents(results: Sequence[Result], tool: Mapping[str, str], around: Around | None = None) -> dict[str, str]:
    """The files of the pack by their names in it, as text."""
    pack = _Pack(results, tool, around or Around())
    files = {"index.html": pack.html()} | dict(pack.files())
    return {name: body.encode("utf-8", "replace").decode() for name, body in files.items()}  # a lone surrogate


def _put(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8", newline="\n")
    return path


def _clear(directory: Path) -> None:
    """Remove the files of an earlier pack that are still as they were written."""
    sums = directory / SUMS
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        old = directory / name
        inside = name and old.resolve().is_relative_to(directory.resolve())
        if inside and old.is_file() and hashlib.sha256(old.read_bytes()).hexdigest() == digest:
            old.unlink()


def _timeless(result: Result) -> Result:
    """The result without how long it took."""
    evidence = tuple(replace(e, verdict=replace(e.verdict, seconds=0.0)) for e in result.evidence)
    return replace(result, verdict=replace(result.verdict, seconds=0.0), evidence=evidence)


class Slugs:
    """File names and anchors for names that may be anything: `a-z`, `0-9` and hyphens, each once."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self.given:
            base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "design"
            taken, slug, n = set(self.given.values()), base, 2
            while slug in taken:
                slug, n = f"{base}-{n}", n + 1
            self.given[name] = slug
        return self.given[name]


@dataclass(frozen=True)
class Told:
    """One result as the page shows it."""

    result: Result
    slug: str
    summary: str
    claim: str
    searched: tuple[str, ...]
    command: str
    diagram: Diagram | None
    run: Mapping[str, Any] | None
    invariant: tuple[str, ...]
    grounds: str
    certificate: Mapping[str, str]
    replays: tuple[Replay, ...]

    @property
    def word(self) -> str:
        return self.result.verdict.word


@dataclass(frozen=True)
class Shown:
    """One design as the page shows it."""

    name: str
    slug: str
    program: Program
    told: tuple[Told, ...]
    blocks: tuple[tuple[str, tuple[str, ...]], ...]
    picture: Picture | None
    spec: str
    source: str
    story: tuple[str, ...]
    left_out: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    written: tuple[Written, ...]
    shared: tuple[tuple[str, str], ...] = ()


def once(designs: Sequence[Shown]) -> Iterator[Shown]:
    """The designs with the code of each operation where it is first shown; `shared` says where that is."""
    first: dict[Written, str] = {}
    for design in designs:
        own = tuple(each for each in design.written if first.setdefault(each, design.name) == design.name)
        others = tuple((each.name, first[each]) for each in design.written if each not in own)
        yield replace(design, written=own, shared=others)


class _Pack:
    def __init__(self, results: Sequence[Result], tool: Mapping[str, str], around: Around) -> None:
        self.results, self.tool, self.around, self.slugs = results, tool, around, Slugs()

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """(name, digest) -> what the design is called here: two designs of one name are told apart by their digest."""
        known = dict.fromkeys((r.design, r.program.digest) for r in self.results)
        count = Counter(name for name, _ in known)
        return {(n, d): f"{n} {d[:8]}" if count[n] > 1 else n for n, d in known}

    def name(self, result: Result) -> str:
        return self.names[result.design, result.program.digest]

    @cached_property
    def programs(self) -> dict[str, Program]:
        return {self.name(r): r.program for r in reversed(self.results)}

    @cached_property
    def designs(self) -> list[Shown]:
        return list(once([self._shown(name, self.programs[name]) for name in self.names.values()]))

    @cached_property
    def differences(self) -> list[Difference]:
        named = {name: replace(self.programs[name], name=name) for name in self.names.values()}
        return [difference(a, b) for a, b in pairs(named)]

    def _shown(self, name: str, program: Program) -> Shown:
        spec, slug = spec_of(program), self.slugs(name)
        return Shown(
            name=name,
            slug=slug,
            program=program,
            told=tuple(self._told(r, spec) for r in self.results if self.name(r) == name),
            blocks=tuple(_blocks(program)),
            picture=picture(program, slug),
            spec=spec,
            source=source_of(program),
            story=tuple(story_of(program)),
            left_out=tuple(left_out(program)),
            parts=tuple((name, part.doc) for name, part in program.parts.items()),
            written=tuple(written(program)),
        )

    def _told(self, result: Result, spec: str) -> Told:
        trace, story = result.whole or result.trace, result.story
        slug = self.slugs(f"{self.name(result)} {result.property}")
        return Told(
            result=result,
            slug=slug,
            summary=_summary(result.property),
            claim=result.claim(),
            searched=tuple(e.sentence() for e in result.evidence),
            command=command_of(result, spec),
            diagram=diagram(trace, story) if trace and story else None,
            run=self._run(result, trace) if trace and story else None,
            invariant=tuple(clauses(result.proof)),
            grounds=_grounds(result),
            certificate=_certificate(result, spec) if self.around.certificates else {},
            replays=tuple(replays_of(result)),
        )

    def _run(self, result: Result, trace: Trace) -> dict[str, Any]:
        story = result.story
        assert story is not None
        lines = [*story.lines, *story.tail]
        rules = list(dict.fromkeys(t.invariant for t in (result.trace, result.whole) if t))
        run = recorded(trace, lines, len(story.lines), rules)
        return run | {"digest": result.program.digest[:12]}

    @property
    def title(self) -> str:
        return self.around.title or f"{', '.join(self.names.values())}: the evidence"

    def html(self) -> str:
        """The page."""
        return page(
            "pack.html",
            tool=self.tool,
            title=self.title,
            designs=self.designs,
            differences=self.differences,
            atomic=ATOMIC,
            surroundings=table(self.around.surroundings),
            recordings=self.around.recordings,
            files=[name for name, _ in self.files()] + [SUMS],
            linked=[name for name in self.around.beside if name.endswith(".html")],
        )

    def files(self) -> Iterator[tuple[str, str]]:
        """The files beside the page."""
        yield "results.json", as_json.document(self.results, self.tool)
        for design in self.designs:
            yield f"steps/{design.slug}.txt", _steps(design.program)
            if design.picture:
                yield f"graphs/{design.slug}.dot", design.picture.dot
                yield f"graphs/{design.slug}.svg", design.picture.file
            for told in design.told:
                yield from _files_of(told)
        for found in self.differences:
            left, right = self.slugs(found.left), self.slugs(found.right)
            yield f"differences/{left}--{right}.txt", as_text(found)
        yield from self.around.beside.items()


def _files_of(told: Told) -> Iterator[tuple[str, str]]:
    if told.result.story and told.run:
        trace = as_json.trace(told.result.story) | {"design": told.result.design, "property": told.result.property}
        trace["numbers"] = told.run["moves"]
        yield f"traces/{told.slug}.json", json.dumps(trace, indent=1) + "\n"
    if told.result.proof is not None:
        yield f"invariants/{told.slug}.txt", str(told.result.proof).rstrip("\n") + "\n"
    for name, body in told.certificate.items():
        yield f"certificates/{told.slug}/{name}", body


def clauses(proof: object) -> Iterator[str]:
    """The text of an invariant clause by clause: a line that begins further right continues the one before it.

    What stands in a column of its own at the right, `for clear.read`, becomes such a line.
    """
    lines = [] if proof is None else [line for line in str(proof).splitlines() if line.strip()]
    clause = ""
    for line in lines:
        if clause and not line[0].isspace():
            yield clause
            clause = ""
        shown = re.sub(r"\s{3,}(for \S.*)$", r"\n  \1", line)
        clause = f"{clause}\n{shown}" if clause else shown
    if clause:
        yield clause


def _certificate(result: Result, spec: str) -> dict[str, str]:
    """The files by which another solver checks the proof, where it is one for any number."""
    if not hasattr(result.proof, "conjuncts"):
        return {}
    from model.parametric.inference import certificate as of_clauses
    from model.parametric.views import certificate as of_views
    from model.parametric.views.table import Safe

    made = of_views if isinstance(result.proof, Safe) else of_clauses
    return made.contents(result.proof, spec, [result.property])


def _grounds(result: Result) -> str:
    """What a proof that left no invariant rests on."""
    decided = result.evidence[0] if result.evidence else None
    if decided is None or decided.engine not in VISITORS:
        engine = decided.engine if decided else "the engine that was asked"
        return f"{engine} proved it for {scope(result.scope)} and left no invariant to read."
    found = {
        "always": "Every state that can be reached was visited and none violates the property",
        "sometimes": "Each case that has to happen was reached",
    }
    said = found.get(_kind(result.property), "The search ended with this verdict")
    return f"{said} ({decided.sentence()}). For other sizes this claims nothing."


def _steps(program: Program) -> str:
    return "".join(f"{line.plain}\n" for line in text.steps(program, width=100))


def _blocks(program: Program) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(heading, lines) of the declarations and of each step."""
    block: list[str] = []
    for line in [*(t.plain for t in text.steps(program, width=100_000)), ""]:
        if line:
            block.append(line.strip())
        else:
            yield block[0], tuple(block[1:])
            block = []


def _summary(name: str) -> str:
    from model.designs.catalogue import built_in_properties

    known = built_in_properties().get(name)
    return known.summary if known else ""


def _kind(name: str) -> str:
    from model.designs.catalogue import built_in_properties

    known = built_in_properties().get(name)
    return known.kind if known else ""
