"""The graph in files is the graph of the plain interpreter, edge by edge, and its components are networkx's."""

import json
import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import networkx
import numpy as np
import pytest
from hypothesis import assume, given, settings

from model import NONE, Design, Guest, Pages, operation, wait_for
from model.designs.catalogue import built_in_designs, load
from model.engines.packed import edges, levels
from model.errors import TooWide, UsageError
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import INTERRUPTED, UNDETERMINED
from tests.support.command import clearorder
from tests.support.paths import ROOT
from tests.support.random_designs import SIZES, designs, questions
from tests.support.seeded_bugs import same_every_time


def of_design(design, pages, clients):
    return Instance(record(load(design) if isinstance(design, str) else design), pages, {"Client": clients})


def states_of(graph, made):
    """The states by number, decoded by what the metadata says and nothing else."""
    columns = {}
    for field in graph.metadata["fields"]:
        word = graph.states[field["word"]] >> np.uint64(field["shift"])
        columns[field["name"], field["number"]] = (word & np.uint64((1 << field["width"]) - 1)).tolist()
    return list(zip(*(columns[f.key] for f in made.fields), strict=True))


def edges_of(graph, made):
    """{state: [(number of the step, state it leads to), ...]} as the files have it."""
    states = states_of(graph, made)
    starts = graph.indptr.tolist()
    taken = [(int(s), states[j]) for s, j in zip(graph.steps, graph.indices, strict=True)]
    return {state: taken[starts[i] : starts[i + 1]] for i, state in enumerate(states)}


def edges_by_the_interpreter(made):
    """The same by `Instance.successors`."""
    number = {id(step): n for n, step in enumerate(made.steps)}
    found, waiting = {}, [made.initial]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found[state] = [(number[id(made.moves[m].ground)], after) for m, after in made.successors(state)]
            waiting += [after for _, after in found[state]]
    return found


def components_by_networkx(edges):
    """(components, of those the terminal ones), each as sets of states."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(edges)
    graph.add_edges_from((state, after) for state, taken in edges.items() for _, after in taken)
    parts = [frozenset(part) for part in networkx.strongly_connected_components(graph)]
    return set(parts), {part for part in parts if all(after in part for s in part for _, after in edges[s])}


def components_of(graph, made):
    found, states = graph.components, states_of(graph, made)
    parts = [set() for _ in found.sizes]
    for state, part in zip(states, found.of.tolist(), strict=True):
        parts[part].add(state)
    assert found.sizes.tolist() == [len(part) for part in parts]
    return {frozenset(p) for p in parts}, {
        frozenset(p) for p, terminal in zip(parts, found.terminal, strict=True) if terminal
    }


class Once(Design):
    """Every page is written once: no state is seen twice, so each is a component, and one is terminal."""

    log = Pages("written")

    @operation(by=Guest)
    def write(s, me, page):
        wait_for(page & s.log <= NONE)
        s.log |= page


# ---------------------------------------------------------------- the same graph


@pytest.mark.parametrize("word_bits", [64, 4])
@pytest.mark.parametrize("design", built_in_designs())
def test_every_design_has_the_edges_and_components_of_the_interpreter(design, word_bits, tmp_path):
    """In the same order, whether a state is one word or several; and as many as the search counts transitions."""
    made = of_design(design, 1, 2)
    graph = edges.write(made, tmp_path / "graph", word_bits=word_bits)
    expected = edges_by_the_interpreter(made)
    assert expected == edges_of(graph, made)
    assert components_by_networkx(expected) == components_of(graph, made)
    assert levels.search(Problem.on(made)).verdict.transitions == graph.indices.size


@settings(same_every_time, max_examples=15)
@given(data=designs())
def test_random_designs_have_the_edges_and_components_of_the_interpreter(data, tmp_path_factory):
    same_edges(data, tmp_path_factory.getbasetemp() / "random-graph")


@pytest.mark.slow
@settings(same_every_time, max_examples=60)
@given(data=designs())
def test_60_random_designs_have_the_edges_and_components_of_the_interpreter(data, tmp_path_factory):
    same_edges(data, tmp_path_factory.getbasetemp() / "random-graph")


def same_edges(data, folder):
    """States of 5-bit words are several words as a rule."""
    for pages, clients in SIZES:
        made = questions(data, pages, clients)[0].instance
        assume(levels.search(Problem.on(made), limits=Limits(states=3_000)).verdict.conclusive)
        expected = edges_by_the_interpreter(made)
        for word_bits in (64, 5):
            graph = edges.write(made, folder, word_bits=word_bits)
            assert expected == edges_of(graph, made)
            assert components_by_networkx(expected) == components_of(graph, made)


def test_a_design_without_a_way_back_has_a_component_for_each_state(tmp_path):
    """4 pages: 16 sets of pages, 32 ways to add one more, and the full set is where it ends."""
    graph = edges.write(Instance(record(Once), 4), tmp_path / "graph")
    found = graph.components
    assert (16, 32) == (graph.depth.size, graph.indices.size)
    assert [1] * 16 == found.sizes.tolist()
    assert [15] == graph.states[0, found.terminal[found.of]].tolist()


def test_states_are_sorted_and_know_their_depth(tmp_path):
    """By the last word first; the depth is that of the search level by level."""
    made = of_design("per-slot-cache", 1, 2)
    graph = edges.write(made, tmp_path / "graph", word_bits=4)
    assert len(graph.states) > 2
    rows = [tuple(reversed(row)) for row in graph.states.T.tolist()]
    assert sorted(set(rows)) == rows
    kept = levels.search(Problem.on(made))
    expected = {state: depth for depth in range(len(kept.layers)) for state in kept.states(depth)}
    assert expected == dict(zip(states_of(graph, made), graph.depth.tolist(), strict=True))
    assert made.initial == states_of(graph, made)[graph.metadata["initial"]]


def test_blocks_of_a_few_states_give_the_files_of_one_block(tmp_path, monkeypatch):
    """Several threads and more blocks than they work on at a time."""
    made = of_design("top-layer", 1, 2)
    edges.write(made, tmp_path / "one")
    monkeypatch.setattr(edges, "CHUNK", 7)
    edges.write(made, tmp_path / "many")
    for name in [*(f"{n}.npy" for n in edges.FILES), edges.METADATA]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_a_step_and_a_location_are_told_in_words(tmp_path):
    """What another program needs to know of an edge and of a state."""
    made = of_design("per-slot-cache", 1, 2)
    told = edges.write(made, tmp_path / "graph").metadata
    assert [(s.step.label, s.thread) for s in made.steps] == [(s["step"], s["thread"]) for s in told["steps"]]
    assert {"operation": "clear", "after": "chosen", "carried": []} in told["locations"]["Client"]
    assert told == json.loads((tmp_path / "graph" / "metadata.json").read_text())


# ---------------------------------------------------------------- what is checked


def test_a_state_that_was_not_swept_is_noticed():
    """In a word of its own, and where only the combination of words is new."""
    ranks = edges.Ranks(np.array([[1, 2, 1], [0, 0, 5]], dtype=np.uint64))
    assert [2, 1, 0] == ranks.of((np.array([1, 2, 1], np.uint64), np.array([5, 0, 0], np.uint64))).tolist()
    for low, high in ((1, 7), (2, 5), (3, 0)):
        with pytest.raises(AssertionError, match="leads out of the states"):
            ranks.of((np.array([low], np.uint64), np.array([high], np.uint64)))


def test_edges_that_are_fewer_than_the_transitions_are_noticed(tmp_path, monkeypatch):
    """A step that a writer forgets; nothing is left of the graph."""
    init = edges.Writer.__init__

    def forgetful(self, *arguments):
        init(self, *arguments)
        self.expands = self.expands[1:]

    monkeypatch.setattr(edges.Writer, "__init__", forgetful)
    with pytest.raises(AssertionError, match="numbers are missing"):
        edges.write(of_design("naive", 1, 1), tmp_path / "graph")
    assert [] == list(tmp_path.iterdir())


def test_more_edges_than_scipy_can_number_are_refused(tmp_path, monkeypatch):
    graph = edges.write(of_design("naive", 1, 1), tmp_path / "graph")
    monkeypatch.setattr(edges, "LARGEST", 1)
    with pytest.raises(TooWide, match="edges: scipy finds the components of a graph of at most"):
        _ = graph.components


def test_a_limit_of_memory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="^a graph is numbered in memory"):
        edges.write(of_design("naive", 1, 1), tmp_path / "graph", Limits(memory=1 << 30))


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(states=100), "the limit of 100 states was reached; "),
        (Limits(seconds=1e-9), "the limit of 1e-09 seconds was reached; "),
    ],
)
def test_a_search_that_does_not_end_writes_nothing(limits, text, tmp_path):
    with pytest.raises(edges.Incomplete, match=f"^{text}.* no graph was written\\.$") as raised:
        edges.write(of_design("per-slot-cache", 1, 2), tmp_path / "graph", limits)
    assert UNDETERMINED == raised.value.exit_code
    assert [] == list(tmp_path.iterdir())


def test_time_that_runs_out_among_the_edges_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Limits, "reached", lambda self, states, begin: "" if states else "enough")
    with pytest.raises(edges.Incomplete, match="^enough after the edges of 0 of 54 states; no graph was written"):
        edges.write(of_design("per-slot-cache", 1, 1), tmp_path / "graph")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("before", [True, False])
def test_an_interrupt_among_the_edges_leaves_what_was_there(before, tmp_path, monkeypatch):
    """An older graph, or nothing."""
    made, folder = of_design("naive", 1, 1), tmp_path / "graph"
    if before:
        edges.write(made, folder)
    there = {p: p.read_bytes() for p in folder.iterdir()} if before else {}

    def interrupt(self, begin):
        raise KeyboardInterrupt

    monkeypatch.setattr(edges.Writer, "part", interrupt)
    with pytest.raises(edges.Interrupted, match="no graph was written") as raised:
        edges.write(of_design("top-layer", 1, 1), folder)
    assert INTERRUPTED == raised.value.exit_code
    assert there == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_a_file_that_may_not_grow_ends_with_exit_code_3_and_nothing_behind(tmp_path):
    """The operating system refuses a write in the middle of the edges, as on a full disk; no SIGBUS, no traceback."""
    script = f"""if 1:
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))
        from model.cli.app import run
        from model.commands.edges import command
        sys.argv = ["edges", "per-slot-cache", "--pages", "1", "-o", {str(tmp_path / "graph")!r}]
        run(command, "edges")
    """
    done = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (3, "") == (done.returncode, done.stdout)
    assert f"error: cannot write {tmp_path / 'graph'}: File too large; no graph was written.\n" == done.stderr
    assert [] == list(tmp_path.iterdir())


# ---------------------------------------------------------------- reading it again


def test_a_graph_replaces_a_graph_and_nothing_else(tmp_path):
    folder = tmp_path / "graph"
    edges.write(of_design("naive", 1, 1), folder)
    edges.write(of_design("top-layer", 1, 1), folder)
    assert "top-layer" == edges.load(folder).metadata["design"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    with pytest.raises(UsageError, match="has files in it that are no graph; name a new directory\\.$"):
        edges.write(of_design("naive", 1, 1), tmp_path / "mine")
    assert "all of it" == (tmp_path / "mine" / "thesis.tex").read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"what": "something else"}', '{"what": "clearorder graph 1"}'])
def test_what_is_no_graph_is_refused(text, tmp_path):
    """The last says that it is one, and lacks the arrays."""
    (tmp_path / "metadata.json").write_text(text)
    with pytest.raises(UsageError, match="has no graph of ours in it\\.$|^cannot read the graph in"):
        edges.load(tmp_path)


# ---------------------------------------------------------------- the command


def command(*words):
    return [sys.executable, "-m", "model", "edges", *map(str, words)]


def run(*words):
    return clearorder("edges", *words, env={"COLUMNS": "200"})


def test_the_command_prints_what_the_graph_is_like(tmp_path):
    """273 states as in the manifest; from each of them the design can come back to the start."""
    done = run("top-layer", "--pages", 2, "--clients", 1, "-o", tmp_path / "graph")
    graph = edges.load(tmp_path / "graph")
    assert (0, "") == (done.returncode, done.stderr)
    assert [
        f"top-layer, 2 pages, 1 client: the graph is in {tmp_path / 'graph'}",
        "273 states, depth 14",
        f"{graph.indices.size:,} edges",
        "1 strongly connected components",
        "273 states in the largest",
        "1 terminal (no edge leads out)",
    ] == [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nonesuch"], 2, "error: there is no design 'nonesuch'"),
        (["naive", "--size", "X=2"], 2, "error: naive has no X; it has Client."),
        (["naive", "--size", "Client"], 2, "error: --size Client: write the sort and a number from 1"),
        (["per-slot-cache", "--max-states", "100"], 3, "error: the limit of 100 states was reached; "),
    ],
)
def test_bad_use_and_limits_have_their_exit_codes_and_write_nothing(words, code, message, tmp_path):
    done = run(*words, "-o", tmp_path / "graph")
    assert (code, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(message)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_nothing_behind(number, code, tmp_path):
    """While it searches some millions of states."""
    process = subprocess.Popen(
        command("per-slot-cache", "--pages", 3, "--clients", 3, "-o", tmp_path / "graph"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    give_up = monotonic() + 30
    while not list(tmp_path.iterdir()) and monotonic() < give_up:
        sleep(0.01)
    sleep(0.5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (code, "") == (process.returncode, out)
    assert err.startswith("error: interrupted; ")
    assert err.endswith(" states were seen, no graph was written.\n")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("edges naive --pages 1 -o graph", 0),
        ("check per-slot-cache --engine explicit --max-states 9 -v", 3),
        ("check naive --engine explicit -v", 1),
        ("check top-layer --clients 1 --engine explicit -v", 0),
        ("sweep naive --size 1x1 -o results", 141),
    ],
)
def test_a_reader_that_has_gone_away_changes_no_exit_code(words, code, tmp_path):
    """As `| head` has: the verdict's own code, or that of SIGPIPE where there was no verdict to tell, and no text."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-u", "-m", "model", *words.split()],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert (code, "") == (done.returncode, done.stderr)


@pytest.mark.slow
def test_54_million_edges_take_less_than_a_gigabyte(tmp_path):
    """CLEAR-k at 3 pages and 3 clients: one strongly connected component, so the start can be reached again always."""
    script = f"""if 1:
        import resource
        from pathlib import Path
        from model.engines.packed import edges
        from tests.support.clear_k import ClearK, promise
        from tests.support.packed import question
        graph = edges.write(question(ClearK, promise, 3, 3).instance, Path({str(tmp_path / "graph")!r}))
        found = graph.components
        little = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1000 << 10
        print(graph.depth.size, graph.indices.size, graph.depth.max(), found.sizes, found.terminal, little)
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert "7465700 54635192 35 [7465700] [ True] True\n" == done.stdout
