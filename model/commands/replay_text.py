"""What `clearorder replay` says of one property of one design, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from model.designs.catalogue import OWN_END
from model.expr import Client as ClientSort
from model.kvm.replay import Client, Performed
from model.kvm.trial import Replayed, Walked
from model.verify.narration import narrated
from model.verify.wording import members, page_set, plural, thread_name

LOSSES = ("no_lost_write", OWN_END)  # a run that violates one of these has lost a page


def lines(found: Replayed | Walked) -> Iterator[Text]:
    """Move by move what was done and what the kernel showed, or what walks came to; the last line is the answer."""
    return _replayed(found) if isinstance(found, Replayed) else _walked(found)


def as_json(found: Replayed | Walked) -> dict[str, Any]:
    """The same as a value of `--format json`."""
    return _replayed_json(found) if isinstance(found, Replayed) else _walked_json(found)


def texts(found: Replayed) -> list[str]:
    """What each move is called."""
    return [line.text for line in narrated(found.trace, found.design).lines]


# ---------------------------------------------------------------- a counterexample


def _replayed(found: Replayed) -> Iterator[Text]:
    instance, outcome, names = found.trace.instance, found.outcome, texts(found)
    count = f"{plural(len(found.trace.moves), 'move')}, {plural(instance.pages, 'page')}"
    yield Text(f"{found.design} on this kernel: {count}", "bold")
    wide = max(map(len, names), default=0)
    done = max((len(", ".join(p.ioctls)) for p in outcome.performed), default=0)
    for step in outcome.performed:
        ioctls = ", ".join(step.ioctls)
        yield Text(f"{step.number:3} {names[step.number - 1]:{wide}}  {ioctls:{done}}  {_shown(step)}".rstrip())
    for page, version in enumerate(outcome.source if outcome.clients else ()):
        held = (f"{_who(found, c)} {_version(c.copy[page])}" for c in outcome.clients)
        yield Text(f"    page {page}: source P{version}, {', '.join(held)}")
    if outcome.disagreement:
        yield Text(f"model and kernel disagree {outcome.disagreement}", "bold yellow")
    words = [_answer(found, broken) for broken in (outcome.model_broken, outcome.kernel_broken)]
    yield Text(f"model: {words[0]}; this kernel: {words[1]}", "bold red" if outcome.kernel_broken else "bold green")


def _shown(step: Performed) -> str:
    if step.model is None or step.kernel is None:
        return ""  # a legacy GET would empty the log; what each one reports is compared
    same = "= model" if step.kernel == step.model else f"but the model has {page_set(step.model)}"
    return f"{page_set(step.kernel)} {same}"


def _version(copy: int | None) -> str:
    return "nothing" if copy is None else f"P{copy}"


def _who(found: Replayed, client: Client) -> str:
    """`destination`, `VGA`: whose copy it is."""
    if client.number == 0:
        return "destination"
    return thread_name(found.trace.instance, ClientSort.name, client.number)


def _answer(found: Replayed, broken: bool) -> str:
    """`lost`, `not lost`; of a property that is about something else `no_blind_clear broken`, `no_blind_clear kept`."""
    if found.rule in LOSSES:
        return "lost" if broken else "not lost"
    return f"{found.rule} {'broken' if broken else 'kept'}"


def _replayed_json(found: Replayed) -> dict[str, Any]:
    outcome = found.outcome
    first = next((c for c in outcome.clients if c.judged), outcome.clients[0] if outcome.clients else None)
    return {
        "design": found.design,
        "property": found.rule,
        "pages": found.trace.instance.pages,
        "client": first.number if first else None,
        "moves": [
            {
                "number": p.number,
                "text": text,
                "kvm": list(p.ioctls),
                "model": _pages(p.model),
                "kernel": _pages(p.kernel),
            }
            for p, text in zip(outcome.performed, texts(found), strict=False)
        ],
        "source": list(outcome.source),
        "copy": list(first.copy) if first else [],
        "clients": [
            {
                "client": c.number,
                "copy": list(c.copy),
                "model_unread": members(c.model),
                "kernel_unread": members(c.kernel),
                "judged": c.judged,
            }
            for c in outcome.clients
        ],
        "model_broken": outcome.model_broken,
        "kernel_broken": outcome.kernel_broken,
        "model_lost": members(outcome.model_lost),
        "kernel_lost": members(outcome.kernel_lost),
        "disagreement": outcome.disagreement or None,
    }


def _pages(shown: int | None) -> list[int] | None:
    return None if shown is None else members(shown)


# ---------------------------------------------------------------- runs of a design without one


def _walked(found: Walked) -> Iterator[Text]:
    walks = found.walks
    yield Text(f"{found.design} on this kernel: no counterexample was found to perform", "bold")
    yield Text(f"  {plural(found.deepest, 'deepest run')} of 1 page, {plural(found.depth, 'move')} each")
    cut = f" of {found.asked:,} in the time" if walks.walks < found.asked and not walks.disagreement else ""
    yield Text(
        f"  {plural(walks.performed, 'random walk')}{cut}, {plural(walks.moves, 'move')}, {walks.ioctls:,} ioctls and "
        "writes"
    )
    yield Text(f"  {plural(walks.finished, 'migration')} finished, {walks.broken:,} {_harm(found, 'lost a write')}")
    if walks.refused:
        left = plural(walks.walks - walks.performed, "random walk")
        yield Text(f"  {left} not performed, such as {walks.refused}")
    if found.disagreement:
        yield Text(f"model and kernel disagree {found.disagreement}", "bold yellow")
    none = "no loss found" if found.rule in LOSSES else f"{found.rule} holds"
    model = f"undetermined: {found.reason}" if found.reason else none
    style = "bold red" if walks.broken else "bold yellow" if found.exit_code else "bold green"
    yield Text(f"model: {model}; this kernel: {_came_to(found)}", style)


def _came_to(found: Walked) -> str:
    if found.walks.broken:
        return _harm(found, "lost")
    if not found.walks.performed:
        return "nothing was run"
    kept = "nothing lost" if found.rule in LOSSES else f"{found.rule} kept"
    return f"{kept} in {plural(found.walks.performed, 'walk')}"


def _harm(found: Walked, lost: str) -> str:
    return lost if found.rule in LOSSES else f"broke {found.rule}"


def _walked_json(found: Walked) -> dict[str, Any]:
    walks = found.walks
    return {
        "design": found.design,
        "property": found.rule,
        "undetermined": found.reason or None,
        "deepest_runs": found.deepest,
        "depth": found.depth,
        "walks": walks.performed,
        "walks_asked": found.asked,
        "walks_refused": walks.walks - walks.performed,
        "moves": walks.moves,
        "ioctls": walks.ioctls,
        "finished": walks.finished,
        "lost": walks.broken,
        "disagreement": found.disagreement or None,
    }
