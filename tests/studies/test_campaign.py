"""A campaign's file has every result once, however often workers or the campaign itself are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from time import monotonic, sleep

import pytest

from model.designs.catalogue import built_in_designs
from model.errors import MissingTool, UsageError
from model.studies import campaign as campaigns
from model.studies.campaign import Configuration, answered, campaign, locally, results, sweep
from tests.support.command import clearorder
from tests.support.paths import ROOT

FORMS = ("promise_kept", "no_lost_write")
SMALL = ((1, 1), (2, 1), (1, 2))


def configurations(designs=("naive", "top-layer"), properties=FORMS, sizes=SMALL, **how):
    return campaign(designs, properties, sizes, **how)


def plain(rows):
    """Rows without the time they took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def one_by_one(wanted):
    """The sequential run: in this process, one after the other."""
    return (once_answered(c) for c in wanted)


once_answered = cache(answered)


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_campaign_has_every_combination_once_and_in_order():
    found = configurations(("naive", "naive"))
    assert 6 == len(found)
    assert [("naive", form, *size) for form in FORMS for size in SMALL] == [
        (c.design, c.property, c.pages, c.clients) for c in found
    ]


def test_a_row_says_what_was_asked_and_what_came_out():
    (wanted,) = configurations(("top-layer",), ("promise_kept",), ((2, 1),))
    row = answered(wanted)
    assert ("top-layer", "promise_kept", 2, 1) == tuple(row[k] for k in ("design", "property", "pages", "clients"))
    assert ("proved", 273, 14) == (row["verdict"], row["states"], row["depth"])


def test_a_limit_and_a_refusal_are_results_too():
    (limited,) = configurations(("top-layer",), ("promise_kept",), ((2, 1),), max_states=10)
    assert ("undetermined", "the limit of 10 states was reached") == (
        answered(limited)["verdict"],
        answered(limited)["reason"],
    )
    assert "refused" == answered(Configuration("top-layer", "promise_kept", 2, 1, memory=1))["verdict"]


def test_results_of_several_processes_are_those_of_the_sequential_run(tmp_path):
    wanted = configurations()
    rows = sweep(wanted, tmp_path / "r", lambda missing: locally(missing, 2))
    assert plain(one_by_one(wanted)) == plain(rows)
    assert sorted(c.key for c in wanted) == sorted(r["key"] for r in written(tmp_path / "r"))


def test_what_is_there_is_not_computed_again(tmp_path):
    """Also when the campaign has grown, or has a design that was changed meanwhile."""
    wanted, asked = configurations(), []

    def compute(missing):
        asked.append(list(missing))
        return one_by_one(missing)

    sweep(wanted[:4], tmp_path / "r", compute)
    rows = sweep(wanted, tmp_path / "r", compute)
    sweep(wanted, tmp_path / "r", compute)
    assert [wanted[:4], wanted[4:]] == asked
    assert plain(one_by_one(wanted)) == plain(rows)


def test_an_interrupted_campaign_keeps_what_it_has(tmp_path):
    """And goes on with the rest."""
    wanted = configurations()

    def compute(missing):
        yield from one_by_one(missing[:5])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(wanted, tmp_path / "r", compute)
    assert 5 == len(written(tmp_path / "r"))
    asked = []
    sweep(wanted, tmp_path / "r", lambda missing: asked.append(len(missing)) or one_by_one(missing))
    assert [len(wanted) - 5] == asked
    assert len(wanted) == len(written(tmp_path / "r"))


def test_half_a_line_is_cut_off_and_computed_again(tmp_path):
    """A campaign that was killed while it wrote."""
    wanted, file = configurations(), tmp_path / "r"
    sweep(wanted, file, one_by_one)
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    sweep(wanted, file, one_by_one)
    assert len(wanted) == len({r["key"] for r in written(file)}) == len(written(file))


def test_a_row_that_comes_twice_is_written_once(tmp_path):
    wanted = configurations()
    sweep(wanted, tmp_path / "r", lambda missing: [*one_by_one(missing), *one_by_one(missing[:3])])
    assert len(wanted) == len(written(tmp_path / "r"))


def test_a_changed_limit_or_design_is_another_configuration():
    """The key is of everything on which the answer depends."""
    (one,) = configurations(("naive",), ("promise_kept",), ((1, 1),))
    (other,) = configurations(("naive",), ("promise_kept",), ((1, 1),), symmetry=True)
    changed = Configuration(**{**vars(one), "digest": "another"} if "key" not in vars(one) else {})
    assert 3 == len({one.key, other.key, changed.key})


def test_an_answer_about_another_design_of_the_same_name_is_not_filed(tmp_path):
    """A worker has an older file: here one that changes before it is asked about."""
    file = tmp_path / "mine.py"
    text = (ROOT / "tests" / "support" / "clear_k.py").read_text()
    file.write_text(text)
    (wanted,) = configurations((f"{file}:ClearK",), (f"{file}:promise",), ((1, 1),))
    assert "proved" == answered(wanted)["verdict"]
    file.write_text(text.replace("s.kernel -= s.hold[me] & s.cache", "s.kernel -= s.hold[me]"))
    with pytest.raises(UsageError, match="is not here what it was where the campaign began; give every worker the"):
        answered(wanted)


def test_a_campaign_that_gets_no_result_leaves_no_empty_file(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sweep(configurations(), tmp_path / "r", lambda missing: (_ for _ in ()).throw(KeyboardInterrupt))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["hello\n", "{}\n", "{half\n", "[1]\n"])
def test_a_file_that_is_not_ours_is_left_alone(text, tmp_path):
    file = tmp_path / "r"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not a file of results; name another one\\.$"):
        sweep(configurations(), file, one_by_one)
    assert text == file.read_text()


def test_two_campaigns_do_not_write_one_file(tmp_path):
    with (
        results(tmp_path / "r"),
        pytest.raises(UsageError, match="another campaign is writing"),
        results(tmp_path / "r"),
    ):
        pass


def test_a_killed_worker_loses_nothing(tmp_path):
    """SIGKILL to one of two processes, as soon as there are results."""
    wanted, killed = configurations(list(built_in_designs())[:3]), []

    def kill_one(have, of, row):
        if not killed:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            workers = [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    rows = sweep(wanted, tmp_path / "r", lambda missing: locally(missing, 2), kill_one)
    assert killed
    assert plain(one_by_one(wanted)) == plain(rows)
    assert len(wanted) == len(written(tmp_path / "r"))


def test_workers_that_always_die_end_the_campaign_with_a_sentence(monkeypatch):
    """Not with an endless loop."""

    class Dying(campaigns.ProcessPoolExecutor):
        def submit(self, *args):
            raise BrokenProcessPool

    monkeypatch.setattr(campaigns, "ProcessPoolExecutor", Dying)
    with pytest.raises(UsageError, match="^workers die as soon as they are started, with 12 configurations left"):
        list(locally(configurations(), 2))


def test_the_command_writes_the_file_and_goes_on(tmp_path):
    """Exit code 1: some are refuted."""
    words = ("sweep", "naive", "--size", "1x1", "--size", "2x1", "-o", tmp_path / "r")
    first, again = (clearorder(*words, env={"COLUMNS": "200"}) for _ in "12")
    assert (1, "", 1, "") == (first.returncode, first.stderr, again.returncode, again.stderr)
    assert 5 == len(first.stdout.splitlines())
    assert f"4 results in {tmp_path / 'r'}: 2 proved, 2 refuted\n" == again.stdout


@pytest.mark.parametrize("wrong", [["--size", "2"], ["--size", "0x1"], ["nonesuch"], ["--property", "nonesuch"]])
def test_bad_use_is_refused_before_anything_is_written(wrong, tmp_path):
    done = clearorder("sweep", *wrong, "-o", tmp_path / "r")
    assert (2, "") == (done.returncode, done.stdout)
    assert not (tmp_path / "r").exists()


def test_a_file_that_may_not_grow_ends_the_campaign_with_a_sentence_and_whole_lines(tmp_path):
    """The operating system refuses a write in the middle of a line, as on a full disk."""
    file = tmp_path / "r"
    script = f"""if 1:
        import resource, signal
        from model.studies.campaign import answered, campaign, sweep
        from model.errors import UsageError
        from pathlib import Path
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
        wanted = campaign(["naive"], ["promise_kept"], [(1, 1), (2, 1), (1, 2)])
        try:
            sweep(wanted, Path({str(file)!r}), lambda missing: map(answered, missing))
        except UsageError as wrong:
            print(wrong)
    """
    done = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (f"cannot write {file}: File too large; what is there is whole.\n", "") == (done.stdout, done.stderr)
    assert 2 == len(written(file)) == file.read_text().count("\n")


# ---------------------------------------------------------------- a cluster


def test_without_dask_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingTool, match="^--scheduler needs Dask: pip install 'clearorder\\[cluster\\]'$"):
        list(campaigns.on_cluster(configurations(), "tcp://127.0.0.1:1"))


@pytest.fixture
def cluster(tmp_path):
    """(address, worker processes, scheduler process) of Dask on this machine, with two workers without a nanny."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    port = address.rpartition(":")[2]
    scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0"]
    worker = [*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    worker += ["--local-directory", str(tmp_path / "dask")]
    running = [subprocess.Popen(scheduler, env=environment, **quiet)]
    running += [subprocess.Popen(worker, env=environment, **quiet) for _ in range(2)]
    try:
        give_up = monotonic() + 30
        while monotonic() < give_up:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            sleep(0.1)
        yield address, running[1:], running[0]
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_two_hundred_configurations_on_a_cluster_that_loses_a_worker(cluster, tmp_path):
    """SIGKILL to one of two after the fortieth result; every result is there once, as in the sequential run."""
    address, workers, _ = cluster
    properties = (*FORMS, "no_blind_clear", "cache_within_kernel", "no_unaided_recovery", "clear_before_read")
    wanted = configurations(built_in_designs(), properties, ((1, 1), (2, 1), (1, 2)))[:200]
    assert 190 < len(wanted)

    def kill_one(have, of, row):
        if have == 40:
            workers[0].kill()

    rows = sweep(wanted, tmp_path / "r", lambda missing: campaigns.on_cluster(missing, address), kill_one)
    assert -signal.SIGKILL == workers[0].wait()
    assert plain(one_by_one(wanted)) == plain(rows)
    assert len(wanted) == len(written(tmp_path / "r"))


def with_scheduler(address, path, *more):
    sizes = [word for size in ("1x1", "2x1", "1x2", "2x2") for word in ("--size", size)]
    command = [sys.executable, "-m", "model", "sweep", "--scheduler", address, *sizes, "-o", str(path), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_campaign_on_a_cluster_goes_on_with_what_is_missing(number, code, cluster, tmp_path):
    """88 configurations by the command, ended after ten results and given again."""
    address, _, _ = cluster
    first = with_scheduler(address, tmp_path / "r")
    for _ in range(10):
        first.stdout.readline()
    first.send_signal(number)
    _, err = first.communicate(timeout=60)
    kept = written(tmp_path / "r")
    assert (code, f"interrupted; the same command goes on with what is missing in {tmp_path / 'r'}.\n") == (
        first.returncode,
        err,
    )
    assert 10 <= len(kept) < 88
    again = with_scheduler(address, tmp_path / "r")
    out, err = again.communicate(timeout=300)
    assert (1, "") == (again.returncode, err)
    assert 88 - len(kept) == len(out.splitlines()) - 1
    assert kept == written(tmp_path / "r")[: len(kept)]
    wanted = campaign(built_in_designs(), FORMS, (*SMALL, (2, 2)))
    assert sorted(c.key for c in wanted) == sorted(row["key"] for row in written(tmp_path / "r"))


@pytest.mark.slow
def test_a_scheduler_that_dies_is_said_in_one_sentence(cluster, tmp_path):
    """Exit code 3, no traceback of Dask's, and what was there is kept."""
    address, _, scheduler = cluster
    run = with_scheduler(address, tmp_path / "r", "--symmetry")
    run.stdout.readline()
    scheduler.kill()
    _, err = run.communicate(timeout=120)
    assert (3, f"error: the scheduler at {address} is gone; the same command goes on with the rest.\n") == (
        run.returncode,
        err,
    )
    assert written(tmp_path / "r")
