"""Runs of a scenario on a real QEMU as text, JSON and KTAP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from model.printing.records import json_document, named
from model.reproduce.run import ABORTED, SAME, STALE, UNFINISHED, Run
from model.reproduce.scenario import Scenario
from model.reproduce.verdict import NOT_SEEN, SEEN, Reproduction
from reports.formats.ktap import Test, plan
from reports.formats.phrases import ascii_line, tool

if TYPE_CHECKING:
    from rich.text import Text

SHOWN = 3  # stale pages whose contents are told
STYLES = {STALE: "bold red", ABORTED: "bold red", SAME: "", UNFINISHED: "yellow"}


def count(run: Run) -> str:
    """How a run ended, in a few words."""
    said = {ABORTED: f"QEMU aborted: {run.said}", UNFINISHED: f"no answer: {run.said}"}
    return said.get(run.outcome, f"{len(run.stale):3} of {run.pages} pages stale")


def example(run: Run) -> str:
    """The first stale page."""
    if not run.stale:
        return ""
    page, source, destination = run.stale[0]
    return f"; page {page}: source {source}, destination {destination}"


def line(run: Run, wide: int = 0) -> Text:
    """A run on a line, with room for names of so many letters."""
    from rich.text import Text

    kind = "control " if run.control else ""
    name = f"{kind}{run.case} {run.number}"
    return Text(f"  {name:{wide}}  {count(run)}; {_length(run)}{example(run)}", STYLES[run.outcome])


def _length(run: Run) -> str:
    return f"{run.rounds} round{'s' * (run.rounds != 1)}, {run.seconds:.1f} s"


def width(scenario: Scenario) -> int:
    """Room for the names of its runs."""
    return max(len(f"{'control ' * case.control}{case.name} 99") for case in scenario.cases)


def head(scenario: Scenario, qemu: str) -> Text:
    """What is looked for, and in what."""
    from rich.text import Text

    return Text(f"{scenario.name}: {scenario.says} ({qemu})", "bold")


def verdict(found: Reproduction) -> Text:
    """The sentence at the end."""
    from model.printing.lines import verdict as styled

    return styled(found.verdict, found.sentence)


def as_text(found: Reproduction) -> Iterator[Text]:
    """Everything."""
    yield head(found.scenario, found.qemu.said)
    yield from (line(run, width(found.scenario)) for run in found.runs)
    yield verdict(found)


def listed(scenarios: Mapping[str, Scenario]) -> Iterator[Text]:
    """What `--list` shows."""
    from rich.text import Text

    for scenario in scenarios.values():
        yield Text.assemble((scenario.name, "bold"), f": {scenario.says}; designs {', '.join(scenario.designs)}")
        yield Text(f"    {_where(scenario)}")
        for case in scenario.cases:
            yield Text(f"    {'control ' * case.control}{case.name}: {case.says}")


def _where(scenario: Scenario) -> str:
    needs = "; needs /dev/kvm" if scenario.kvm else ""
    if scenario.since is None:
        return f"in a QEMU that was broken on purpose (docs/findings-qemu.md says how){needs}"
    until = f", up to {_dotted(scenario.until)} ({scenario.mended_by})" if scenario.until else ""
    return f"in QEMU since {_dotted(scenario.since)} ({scenario.brought_by}){until}{needs}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def as_json(found: Reproduction) -> str:
    """One document; `reports/reproductions.schema.json` says what is in it."""
    record = {
        "scenario": found.scenario.name,
        "designs": list(found.scenario.designs),
        "qemu": {"version": _dotted(found.qemu.version), "said": found.qemu.said},
        "verdict": found.verdict,
        "interrupted": found.interrupted,
        "sentence": found.sentence,
        "runs": [_run(run) for run in found.runs],
    }
    return json_document(tool=tool(), reproductions=[record])


def _run(run: Run) -> dict[str, Any]:
    return {
        **named(run, "case control number outcome"),
        "stale": len(run.stale),
        **named(run, "pages rounds"),
        "seconds": round(run.seconds, 1),
        "differing": [page._asdict() for page in run.stale],
        "said": run.said or None,
    }


def as_ktap(found: Reproduction) -> str:
    """A test for each run; the sentence is told with the last."""
    tests = [_test(run) for run in found.runs]
    told = [ascii_line(found.sentence)]
    return plan([*tests, Test(found.scenario.name, found.verdict == NOT_SEEN, told, _error(found))])


def _test(run: Run) -> Test:
    pages = [f"page {page}: source {a}, destination {b}" for page, a, b in run.stale[:SHOWN]]
    told = [ascii_line(f"{count(run).strip()}; {_length(run)}"), *pages]
    error = f"undetermined: {run.said}" if run.outcome == UNFINISHED else ""
    return Test(f"{'control.' * run.control}{run.case}.{run.number}", run.outcome == SAME, told, error)


def _error(found: Reproduction) -> str:
    return "" if found.verdict in (SEEN, NOT_SEEN) else "undetermined"


FORMATS: Mapping[str, Callable[[Reproduction], str]] = {"json": as_json, "ktap": as_ktap}
