"""The state graph of a small instance as a networkx graph: ask it for paths, or write it as DOT or GraphML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from model.errors import UsageError
from model.expr import PAGES, PLACE
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.state import State

if TYPE_CHECKING:
    import networkx


def state_graph(asked: Problem, *, max_states: int = 100_000) -> networkx.MultiDiGraph[int]:
    """Every reachable state as a node and every enabled move as an edge; what violates an invariant is marked.

    Nodes are numbered in the order in which breadth-first search finds them, 0 is the initial state; they have the
    attributes `depth`, `label` (what is not empty), `state` (the integers) and `bad` (an invariant does not hold).
    Edges have `move`, `by` (the sort of the thread) and `shown` (they are the shortest way to the first bad state).

    Raises:
        UsageError: there are more states than `max_states`.
    """
    import networkx

    instance = asked.instance
    holds = [instance.predicate(check.holds) for check in asked.checks]
    graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(name=instance.program.name)
    walk = BreadthFirst([instance.initial], instance.successors)
    for depth, level in enumerate(walk.levels()):
        for state in level:
            bad = not all(each(state) for each in holds)
            graph.add_node(len(graph), depth=depth, label=state_text(instance, state), state=state, bad=bad)
        if len(walk.came) > max_states:
            raise UsageError(
                f"{instance.program.name} has more than {max_states:,} states at this size; a graph of them can be "
                f"neither drawn nor read. Ask for --pages 1 --clients 1, or raise --max-states."
            )
    numbers = {state: n for n, state in enumerate(walk.came)}
    shown = set(_way(walk, next((s for n, s in enumerate(numbers) if graph.nodes[n]["bad"]), None)))
    for state, n in numbers.items():
        for number, after in instance.successors(state):
            told = (state, number, after) in shown
            move = instance.moves[number]
            graph.add_edge(n, numbers[after], move=move_label(instance, move), by=move.ground.sort, shown=told)
    return graph


def _way(walk: BreadthFirst[State, int], end: State | None) -> Iterator[tuple[State, int, State]]:
    """The steps of the shortest way to a state."""
    if end is not None:
        moves, states = walk.path(end)
        yield from zip(states, moves, states[1:], strict=False)


def state_text(instance: Instance, state: State) -> str:
    """What is not empty in a state: `kernel {0} user[MIGRATION] {0} clear.chosen by VGA`."""
    from model.verify.wording import change_name, page_set, thread_name

    shown = []
    for field, value in zip(instance.fields, state, strict=True):
        if not value:
            continue
        if field.sort == PLACE:
            location = instance.program.threads[field.per or ""][instance.codes[field.per or ""][value][0]]
            who = thread_name(instance, field.per or "", field.number)
            shown.append(f"{who} after {location.operation}.{location.after}")
        else:
            shown.append(f"{change_name(instance, field)} {page_set(value)}" if field.sort == PAGES else field.name)
    return "\n".join(shown) or "empty"


def move_label(instance: Instance, move: Move) -> str:
    """`MIGRATION: clear.cleared(want={0})`: the thread, the step and its parameters."""
    from model.verify.wording import page_set, thread_name

    chosen = [f"{n}={v}" for n, v in move.ground.indices.items() if move.ground.step.first]
    chosen += [f"{n}={page_set(v)}" for n, v in move.arguments.items()]
    arguments = f"({', '.join(chosen)})" if chosen else ""
    return f"{thread_name(instance, move.ground.sort, move.ground.thread)}: {move.ground.step.label}{arguments}"


def as_text(graph: networkx.MultiDiGraph[int], form: str) -> str:
    """The graph as "dot" (Graphviz) or "graphml"; in the first with its start, bad states and the way to one marked."""
    import networkx

    plain = graph.copy()
    for _, data in plain.nodes(data=True):
        data["state"] = " ".join(str(v) for v in data["state"])
    if form == "graphml":
        return "\n".join(networkx.generate_graphml(plain)) + "\n"
    lines = [f"digraph {_quoted(str(graph.name))} {{", "  node [shape=box, fontname=monospace];"]
    lines += [f"  {n} [label={_quoted(d['label'])}{_look(n, d)}];" for n, d in plain.nodes(data=True)]
    way = ', color="#c62828", penwidth=2'
    lines += [
        f"  {a} -> {b} [label={_quoted(d['move'])}{way if d['shown'] else ''}];" for a, b, d in plain.edges(data=True)
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _look(number: int, node: Mapping[str, Any]) -> str:
    """The start has a thick frame, a state in which an invariant does not hold is red."""
    start = ", penwidth=3" if number == 0 else ""
    return f'{start}, style=filled, fillcolor="#fde7e7", color="#c62828"' if node["bad"] else start


def _quoted(text: str) -> str:
    """A DOT string: backslashes and quotes escaped, lines broken."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
