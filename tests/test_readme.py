"""README and tutorial run: their Python blocks, their commands and the output they show."""

import gzip
import importlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.support.command import check, clearorder
from tests.support.documents import DOCUMENTS, TUTORIAL
from tests.support.documents import README as READ_ME
from tests.support.paths import DATA, ROOT
from tests.support.readme import PYTEST_EXAMPLE, PYTHON, README, write_example

TYPED = {  # how a reader starts a command -> how this process does
    ("python", "-m", "model.check"): check,
    ("clearorder",): clearorder,
}
SESSIONS = [(document, *session) for document in DOCUMENTS for session in document.sessions]
HERE = [row for row in SESSIONS if "pip install" not in row[1]]  # the others need a network


def run(command, cwd):
    """A command of a document, with this Python."""
    words = shlex.split(command)
    assert "python" == words[0]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, *words[1:]], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def typed(command, cwd):
    """A command of a document, in this process."""
    words = shlex.split(command)
    start = next(start for start in TYPED if start == tuple(words[: len(start)]))
    return TYPED[start](*words[len(start) :], cwd=cwd)


@pytest.mark.parametrize(("document", "command", "shown"), HERE, ids=lambda value: str(value)[:60])
def test_a_command_prints_what_the_document_shows(document, command, shown, tmp_path):
    """Byte for byte, in a directory that holds the designs that the reader has saved."""
    document.save(tmp_path)
    done = typed(command, tmp_path)
    assert shown == done.stdout
    assert 2 > done.returncode, done.stderr


def test_every_block_of_the_tutorial_is_run():
    """Those with a prompt, and the designs and the test that are saved; the patch is no program."""
    assert 8 == len(TUTORIAL.sessions)
    assert ["merge_outside.py", "own_copy.py", "test_merge.py"] == list(TUTORIAL.files)
    assert len(TUTORIAL.files) == len(TUTORIAL.blocks("python"))
    assert {"console", "diff", "python", ""} == set(re.findall(r"^```(\w*)$", TUTORIAL.text, re.M))
    assert READ_ME.sessions[0][0].startswith(TUTORIAL.sessions[0][0])


def test_the_tests_of_the_tutorial_pass(tmp_path, monkeypatch):
    TUTORIAL.save(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("merge_outside", "own_copy"):
        monkeypatch.setitem(sys.modules, name, importlib.import_module(name))
    names = runpy.run_path(str(tmp_path / "test_merge.py"))
    tests = [test for name, test in names.items() if name.startswith("test_")]
    assert 2 == len(tests)
    for test in tests:
        test()


def test_the_picture_of_the_readme_is_what_the_command_writes(tmp_path):
    """docs/race.svg: dark and light in one file."""
    command = next(c for c in re.findall(r"`(python -m model[^`]*)`", README) if "race.svg" in c)
    assert 1 == typed(command, tmp_path).returncode
    assert (ROOT / "docs" / "race.svg").read_text() == (tmp_path / "race.svg").read_text()
    assert "](docs/race.svg)" in README
    assert "prefers-color-scheme: dark" in (ROOT / "docs" / "race.svg").read_text()


def test_the_design_of_the_readme_has_thirty_lines():
    """A design is small."""
    lines = [line for line in PYTHON[0].splitlines() if line.strip()]
    assert 30 >= len(lines)


def test_the_property_of_the_readme_can_be_asked(tmp_path):
    """Beside the design."""
    (tmp_path / "my_design.py").write_text(PYTHON[0] + "\n" + PYTHON[1])
    done = check("my_design.py", "--property", "mine_was_reported", "--engine", "explicit", "-q", cwd=tmp_path)
    assert "mine_was_reported  refuted" in done.stdout


def test_the_pytest_example_passes(tmp_path):
    write_example(tmp_path)
    done = run("python -m pytest -p no:cacheprovider", tmp_path)
    assert (0, 1) == (done.returncode, done.stdout.count("2 passed")), done.stdout


def test_an_assertion_that_fails_shows_the_run_in_pytests_output(tmp_path):
    """Below the line of the test, not below a line of ours."""
    write_example(tmp_path, PYTEST_EXAMPLE.replace("assert_refuted(moves=14)", "assert_proved()"))
    done = run("python -m pytest -p no:cacheprovider", tmp_path)
    shown = [line.removeprefix("E").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    numbers = [line.split()[0] for line in shown if re.match(r"\d+ (the guest|[A-Z]+):", line)]
    assert 1 == done.returncode
    assert "AssertionError: forgetful no_lost_write: refuted in 14 moves, expected proved" == shown[0]
    assert [str(n) for n in range(1, 15)] == numbers
    assert 1 == sum(line.startswith("Why: ") for line in shown)
    assert re.search(r"^> +verify\(Forgetful.*assert_proved\(\)$", done.stdout, re.M)
    assert "result.py" not in done.stdout


def test_the_ci_runs_the_readmes_test_command():
    """One line, in one place."""
    command = "python3 -m venv .venv && . .venv/bin/activate && pip install -q -e '.[test]' && python -m pytest -n 2"
    found = subprocess.run(
        ["sed", "-n", r"/^## Tests/,$ s/^\$ \(python3 -m venv .*pytest.*\)$/\1/p", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout
    assert f"{command}\n" == found
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


STAND_INS = {  # what a reader puts in the place of a word -> what this test does
    "DIR": "certificates",
    "/path/to/qemu-system-x86_64": shutil.which("qemu-system-x86_64") or "qemu-system-x86_64",
    "-- qemu-system-x86_64 ...": "-- true",
    "--runs 8": "--runs 1",
}
ELSEWHERE = ("clearorder explore", "check my_design.py --watch")  # they serve or wait until they are stopped


def inline_commands():
    """Those that stand in a sentence or a table; a verb alone only names the command."""
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", README, flags=re.S)))
    typed = [s for s in dict.fromkeys(spans) if s.startswith(("python -m model.check ", "clearorder "))]
    alone = ("clearorder gallery", "clearorder cost")
    return [s for s in typed if (len(s.split()) > 2 or s in alone) and not any(word in s for word in ELSEWHERE)]


def recorded(command, cwd):
    """The recorder waits for every child of its process, so it has one of its own."""
    words = [sys.executable, "-m", "model", *shlex.split(command)[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_every_command_in_a_sentence_or_a_table_of_the_readme_runs(tmp_path):
    """In its order, in a folder with the reader's designs: each answers, and none is bad use."""
    READ_ME.save(tmp_path)
    (tmp_path / "trace.txt").write_bytes(gzip.decompress((DATA / "traces" / "ftrace_ring.txt.gz").read_bytes()))
    answers = {}
    for command in inline_commands():
        words = command
        for word, instead in STAND_INS.items():
            words = words.replace(word, instead)
        done = recorded(words, tmp_path) if words.startswith("clearorder record ") else typed(words, tmp_path)
        answers[command] = (done.returncode, done.stderr[-300:])
    assert 15 < len(answers)
    assert {} == {command: answer for command, answer in answers.items() if answer[0] not in (0, 1, 3, 4)}


def test_every_option_that_the_readme_names_exists():
    """No feature in the README that does not run: options of every command, formats and commands."""
    from model.__main__ import COMMANDS
    from model.check import command as check

    commands = [importlib.import_module(module).command for module in COMMANDS.values()]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert set() == set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", README)) - known
    assert {"check"} == set(re.findall(r"python -m model\.(\w+)", README))
    assert set() == set(re.findall(r"`clearorder (\w+)", README)) - set(COMMANDS)
    formats = re.findall(r"`--format ([a-z0-9-]+)`(?:((?:, `[a-z0-9-]+`)+))?", README)
    named = {word for first, rest in formats for word in (first, *re.findall(r"`([a-z0-9-]+)`", rest))}
    assert {"markdown", "sarif", "promela", "aiger", "kselftest"} <= named
    assert set() == named - set(check.FORMATS)


@pytest.mark.parametrize(
    "document", ["README.md", "CHANGELOG.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_file_that_a_document_names_is_there(document):
    """Paths from the root of the repository."""
    named = re.findall(r"`((?:model|properties|reports|tests|docs)/[\w./-]+\.\w+)", (ROOT / document).read_text())
    assert [] == [path for path in named if not (ROOT / path).exists()]
