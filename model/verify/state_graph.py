"""The state graph of a small instance as a networkx graph: ask it for paths, or write it as DOT or GraphML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import UsageError
from model.expr import PAGES, PLACE
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.state import State

if TYPE_CHECKING:
    import networkx


def state_graph(instance: Instance, *, max_states: int = 100_000) -> networkx.MultiDiGraph[int]:
    """Every reachable state as a node and every enabled move as an edge.

    Nodes are numbered in the order in which breadth-first search finds them, 0 is the initial state; they have the
    attributes `depth`, `label` (what is not empty) and `state` (the integers). Edges have `move`.

    Raises:
        UsageError: there are more states than `max_states`.
    """
    import networkx

    graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(name=instance.program.name)
    walk = BreadthFirst([instance.initial], instance.successors)
    for depth, level in enumerate(walk.levels()):
        for state in level:
            graph.add_node(len(graph), depth=depth, label=state_text(instance, state), state=state)
        if len(walk.came) > max_states:
            raise UsageError(
                f"{instance.program.name} has more than {max_states:,} states at this size; a graph of them can be "
                f"neither drawn nor read. Ask for --pages 1 --clients 1, or raise --max-states."
            )
    numbers = {state: n for n, state in enumerate(walk.came)}
    for state, n in numbers.items():
        for number, after in instance.successors(state):
            graph.add_edge(n, numbers[after], move=move_label(instance.moves[number]))
    return graph


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


def move_label(move: Move) -> str:
    """`clear.cleared(want=1) 0`: the step, its parameters, and the thread."""
    from model.verify.wording import page_set

    chosen = [f"{n}={v}" for n, v in move.ground.indices.items() if move.ground.step.first]
    chosen += [f"{n}={page_set(v)}" for n, v in move.arguments.items()]
    arguments = f"({', '.join(chosen)})" if chosen else ""
    return f"{move.ground.step.label}{arguments} by {move.ground.sort} {move.ground.thread}"


def as_text(graph: networkx.MultiDiGraph[int], form: str) -> str:
    """The graph as "dot" (Graphviz) or "graphml"."""
    import networkx

    plain = graph.copy()
    for _, data in plain.nodes(data=True):
        data["state"] = " ".join(str(v) for v in data["state"])
    if form == "graphml":
        return "\n".join(networkx.generate_graphml(plain)) + "\n"
    lines = [f"digraph {_quoted(str(graph.name))} {{", "  node [shape=box, fontname=monospace];"]
    lines += [f"  {n} [label={_quoted(d['label'])}];" for n, d in plain.nodes(data=True)]
    lines += [f"  {a} -> {b} [label={_quoted(d['move'])}];" for a, b, d in plain.edges(data=True)]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    """A DOT string: backslashes and quotes escaped, lines broken."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
