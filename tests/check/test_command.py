"""The command as a user meets it: exit codes, messages, formats, limits, interrupts."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import jsonschema
import pytest

from tests.support.command import check
from tests.support.paths import ROOT

MINE = '''
from model import every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog


class Mine(DirtyLog):
    """A design of one's own."""

    @operation
    def sync(s, me):
        s.user[every_client] |= s.kernel

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
'''


def test_a_refuted_design_exits_1_and_shows_its_counterexample():
    """`check naive` shows 2 pages and 1 client."""
    done = check("naive", "--engine", "explicit")
    assert (1, "") == (done.returncode, done.stderr)
    assert "naive loses a write: MIGRATION never learns of page 1" in done.stdout
    assert "8 moves, 2 pages, 1 client" in done.stdout


def test_a_safe_instance_exits_0():
    """At one page naive is safe with one client."""
    done = check("naive", "--pages", 1, "--clients", 1, "--engine", "explicit")
    assert (0, "") == (done.returncode, done.stderr)
    assert "proved" in done.stdout


def test_the_comparison_exits_0_when_every_verdict_is_the_recorded_one():
    """Refuting naive is then a success."""
    done = check("--engine", "lanes", "--pages", 2, "--clients", 1)
    assert (0, "") == (done.returncode, done.stderr)
    assert "All verdicts match the expected results: 1 of 3 designs lose writes." in done.stdout


def test_a_limit_of_states_is_undetermined_and_exits_3():
    """Never rounded up."""
    done = check("per-slot-cache", "--engine", "explicit", "--max-states", 1000)
    assert 3 == done.returncode
    assert "the limit of 1,000 states was reached" in " ".join(done.stdout.split())
    assert "proved" not in done.stdout


def test_a_limit_of_time_is_undetermined_and_exits_3():
    """With what was covered."""
    done = check("per-slot-cache", "--engine", "explicit", "--timeout", 0.3, "--property", "promise_kept")
    assert 3 == done.returncode
    assert "the limit of 0.3 seconds was reached" in " ".join(done.stdout.split())


def test_an_interrupt_exits_130_with_what_was_covered():
    """`kill -INT` in the middle of a long run."""
    command = [sys.executable, "-m", "model.check", "per-slot-cache", "--engine", "explicit", "--clients", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        time.sleep(3)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert (130, "error: interrupted; what was covered so far is above.\n") == (run.returncode, err)
    assert "undetermined" in out
    assert "states, depth" in out


def test_a_closed_pipe_is_no_error():
    """`| head -1`, with the verdict's exit code."""
    line = f"{sys.executable} -m model.check naive top-layer --engine explicit -v | head -1; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ("", "1") == (done.stderr, done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["naiv"], "error: there is no design 'naiv'; did you mean 'naive'?"),
        (["naive", "--page", "2"], "No such option '--page'. Did you mean"),
        (["naive", "--pages", "0"], "0 is not in the range x>=1"),
        (["naive", "--engine", "fast"], "'fast' is not one of"),
        (["naive", "--property", "safe"], "error: there is no property 'safe'."),
        (["naive", "--property", "cache_within_kernel"], "error: cache_within_kernel cannot be asked of naive"),
        (["naive", "--vcpus", "2"], "error: naive has no Vcpu; it has Client."),
        (["naive", "--size", "Chunk=x"], "error: --size Chunk=x: write the sort and a number from 1"),
        (["missing.py"], "error: there is no file 'missing.py'"),
        (["naive", "--format", "json", "-o", "no/such/dir/out.json"], "error: cannot write no/such/dir/out.json"),
    ],
)
def test_bad_use_exits_2_with_one_message(arguments, message):
    """What is wrong and what to write instead, on stderr, without a traceback."""
    done = check(*arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_design_of_ones_own_gets_a_verdict(tmp_path):
    """By path, and by path and class."""
    (tmp_path / "my_design.py").write_text(MINE)
    for name in ("my_design.py", "my_design.py:Mine"):
        done = check(name, "--engine", "explicit", cwd=tmp_path)
        assert 1 == done.returncode
        assert "mine loses a write" in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("s.kernel -= want", "s.kernal -= want", "my_design.py:16: Mine has no field 'kernal'; did you mean 'kernel'?"),
        ('        yield "read"\n', "", 'my_design.py:18: Mine.clear: the step after "cleared" has no name.'),
        ("wait_for(want <= s.mine[me])", "if want <= s.mine[me]: pass", "my_design.py:15: Mine.clear: `if`, `and`"),
    ],
)
def test_a_mistake_in_a_design_exits_2_with_file_and_line(right, wrong, message, tmp_path):
    """A misspelt field, a missing yield, an `if` on state."""
    assert right in MINE
    (tmp_path / "my_design.py").write_text(MINE.replace(right, wrong))
    done = check("my_design.py", cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert f"error: {message}" in done.stderr or message in done.stderr
    assert "Traceback" not in done.stderr


def test_several_designs_in_one_file_are_asked_about(tmp_path):
    """The message says how to name one."""
    (tmp_path / "two.py").write_text(MINE + MINE.replace("class Mine", "class Other"))
    done = check("two.py", cwd=tmp_path)
    assert "error: two.py defines Mine, Other; say which: two.py:Mine\n" == done.stderr


def test_json_validates_against_the_schema_in_the_repository():
    """Refuted, proved and undetermined results alike."""
    done = check("top-layer", "per-slot-cache", "--pages", 1, "--engine", "explicit", "--format", "json")
    more = check("naive", "--engine", "explicit", "--max-states", 5, "--format", "json")
    schema = json.loads((ROOT / "reports" / "schema.json").read_text())
    for text in (done.stdout, more.stdout):
        jsonschema.validate(json.loads(text), schema)
    results = json.loads(done.stdout)["results"]
    assert ["refuted", "refuted", "proved", "proved"] == [r["verdict"] for r in results]
    assert ["undetermined"] * 2 == [r["verdict"] for r in json.loads(more.stdout)["results"]]
    moves = results[0]["trace"]["moves"]
    assert {
        "number": 1,
        "operation": "write",
        "step": "write",
        "thread": "guest",
        "arguments": {"page": [0]},
    }.items() <= (moves[0].items())
    assert [0] == moves[0]["changes"]["kernel"]


def test_two_runs_print_the_same_bytes():
    """Timings are left out of the text and are the only difference in JSON."""
    first, second = (check("top-layer", "no-lock", "--pages", 1, "--engine", "explicit").stdout for _ in range(2))
    assert first == second
    one, two = (check("naive", "--engine", "lanes", "--format", "json").stdout for _ in range(2))

    def timeless(text):
        document = json.loads(text)
        for record in [r for result in document["results"] for r in (result, *result["evidence"])]:
            record["seconds"] = 0
        return document

    assert timeless(one) == timeless(two)


def test_piped_text_has_no_colour_and_forced_text_has():
    """NO_COLOR and FORCE_COLOR are honoured, and --color decides."""
    arguments = ("naive", "--pages", 1, "--clients", 1, "--engine", "explicit")
    assert "\x1b[" not in check(*arguments).stdout
    assert "\x1b[" in check(*arguments, "--color", "always").stdout
    assert "\x1b[" in check(*arguments, env={"FORCE_COLOR": "1", "TERM": "xterm"}).stdout
    assert "\x1b[" not in check(*arguments, "--color", "never", env={"FORCE_COLOR": "1"}).stdout


def test_output_goes_to_a_file_whole_or_not_at_all(tmp_path):
    """Written beside it, then renamed."""
    target = tmp_path / "out.json"
    check("naive", "--engine", "explicit", "--format", "json", "-o", target)
    assert 2 == len(json.loads(target.read_text())["results"])
    assert ["out.json"] == [p.name for p in tmp_path.iterdir()]


def test_lists_show_designs_and_properties_within_80_columns():
    """A line each."""
    done = check("--list")
    assert 0 == done.returncode
    assert {"per-slot-cache", "no_lost_write", "every_step_fires"} <= set(done.stdout.split())
    assert 80 >= max(len(line) for line in done.stdout.splitlines())


def test_show_prints_the_recorded_steps():
    """What the report quotes."""
    done = check("--show", "per-slot-cache")
    assert "kernel := kernel - (cache & me.span)" in done.stdout
    assert "takes  slots_lock" in done.stdout


def test_every_line_of_text_fits_80_columns():
    """As on a terminal of that width."""
    done = check("naive", "top-layer", "no-lock", "no-lock-register", "--engine", "lanes", "-v")
    assert 80 >= max(len(line) for line in done.stdout.splitlines())


def test_v_shows_the_lines_of_the_design_below_each_move():
    """With the comments that name the C; without -v the moves alone."""
    plain, more = (check("top-layer", "--property", "no_lost_write", "--engine", "lanes", *v) for v in ((), ("-v",)))
    said = r"top_layer.py:\d+: s.kernel -= want # ioctl KVM_CLEAR_DIRTY_LOG"
    assert 2 == len(re.findall(said, " ".join(more.stdout.split())))
    assert "top_layer.py" not in plain.stdout


def test_all_asks_the_disciplines_that_apply():
    """cache_within_kernel does not apply to naive and is left out."""
    done = check("naive", "--property", "all", "--pages", 1, "--engine", "explicit", "-q")
    assert "no_blind_clear" in done.stdout
    assert "cache_within_kernel" not in done.stdout


def test_the_state_graph_is_written_as_dot_and_graphml(tmp_path):
    """17 states of naive at one page and one client; GraphML is read back by networkx."""
    import networkx

    dot = check("naive", "--pages", 1, "--clients", 1, "--format", "dot").stdout
    assert 17 == sum("->" not in line and "[label=" in line for line in dot.splitlines())
    check("naive", "--pages", 1, "--clients", 1, "--format", "graphml", "-o", tmp_path / "g.graphml")
    graph = networkx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    assert (17, 50) == (graph.number_of_nodes(), graph.number_of_edges())


def test_a_graph_of_a_property_shows_where_it_is_lost(tmp_path):
    """The start, the bad states and a shortest way to one are marked; its moves are named as in the trace."""
    import networkx

    asked = ("naive", "--pages", 2, "--clients", 1, "--property", "promise_kept", "--format")
    dot = check(*asked, "dot").stdout.splitlines()
    assert 1 == sum("penwidth=3" in line for line in dot)
    way = [line for line in dot if "->" in line and "penwidth=2" in line]
    assert 5 == len(way)
    assert ["the guest: write(page={0})", "MIGRATION: clear.cleared(want={0})"] == [
        re.search(r'label="(.*?)"', line)[1] for line in (way[0], way[-1])
    ]
    check(*asked, "graphml", "-o", tmp_path / "g.graphml")
    graph = networkx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    bad = {n for n, data in graph.nodes(data=True) if data["bad"]}
    assert len(bad) == sum("fillcolor" in line for line in dot) > 0
    assert {"5"} == {
        str(graph.nodes[n]["depth"]) for n in bad if any(d["shown"] for *_, d in graph.in_edges(n, data=True))
    }


def test_a_graph_too_large_to_read_is_refused():
    """With what to ask for instead."""
    done = check("per-slot-cache", "--format", "dot")
    assert 2 == done.returncode
    assert "has more than 5,000 states at this size" in done.stderr


def test_help_answers_fast():
    """Heavy imports are lazy: neither z3 nor NumPy is loaded for it."""
    line = "import sys; sys.argv = ['check', '--help']\nimport model.check.command\n"
    line += "try:\n    model.check.command.command()\nexcept SystemExit:\n    pass\n"
    line += "print(sorted({'z3', 'numpy', 'networkx', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert "[]" == done.stdout.splitlines()[-1]


def test_the_version_names_z3():
    """For a reader who wants to run it again."""
    assert check("--version").stdout.startswith("clearorder 0.1.0 (z3 ")


def test_an_internal_error_exits_70_and_says_how_to_report_it(tmp_path):
    """A bug of ours is no fault of the user's."""
    (tmp_path / "odd.py").write_text(MINE + "\n\nMine.__doc__ = property(lambda self: 1 / 0)\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import model.verify.portfolio as p\n\n\ndef broken(*_):\n    raise OSError('boom')\n\n\np.answer = broken\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "model.check", "naive"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert 70 == done.returncode
    assert done.stderr.startswith("error: internal error: OSError: boom\nThis is a bug in clearorder")


def test_explain_prints_the_invariant_and_whether_one_page_decides():
    """A clause a line with the steps that need it; the cutoff with the number of side conditions."""
    done = check("per-slot-cache", "--pages", 1, "--property", "promise_kept", "--explain")
    text = " ".join(done.stdout.split())
    assert (0, "") == (done.returncode, done.stderr)
    assert "Why per-slot-cache keeps promise_kept, for any number of pages and clients:" in text
    assert "every page of unread[c] is in kernel, mine[c] or user[c]" in text
    assert "Pages in per-slot-cache, for promise_kept: they are independent, by 114 side conditions" in text


def test_the_cutoff_is_refused_where_chunks_relate_pages():
    """By name."""
    done = check("deferred-chunked-clear", "--pages", 1, "--engine", "lanes", "--property", "promise_kept", "--explain")
    assert "one page does not decide for all: this reading has no exact meaning for 'spread'" in " ".join(
        done.stdout.split()
    )


def test_more_choices_than_anyone_goes_through_are_refused_by_name():
    """2^24 sets of pages at each step; nothing is tried, and what can be asked instead is said."""
    done = check("top-layer", "--pages", "24", "--engine", "lanes")
    assert 2 == done.returncode
    assert "`want` can be chosen in 2^24 ways" in done.stderr


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_time_that_is_no_number_is_refused(number):
    done = check("naive", "--timeout", number)
    assert 2 == done.returncode
    assert "Invalid value for '--timeout'" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "explicit"], "--checkpoint saves a search of the engine lanes, and explicit is asked."),
        (["--engine", "lanes"], "--checkpoint: nothing can be written to"),
    ],
)
def test_a_checkpoint_that_would_not_be_written_is_refused(words, said, tmp_path):
    """Before anything is searched."""
    file = tmp_path / "missing" / "saved"
    done = check("naive", "--property", "promise_kept", "--checkpoint", str(file), *words)
    assert 2 == done.returncode
    assert said in done.stderr


def test_explain_tells_of_a_property_of_a_file(tmp_path):
    """It was looked for once more after the search, among the built-in ones, and the command ended in a refusal."""
    rule = "from model.expr import ALL, always\n\n@always\ndef rule(s, c):\n    'Mine.'\n    return s.mine[c] <= ALL\n"
    (tmp_path / "rules.py").write_text(rule)
    done = check("top-layer", "--property", f"{tmp_path}/rules.py:rule", "--pages", "1", "--explain")
    assert (0, "") == (done.returncode, done.stderr)
    assert "Pages in top-layer, for rule" in done.stdout
