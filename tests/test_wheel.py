"""What a user gets: the built wheel in a fresh virtual environment, asked from outside the repository."""

import shutil
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.readme import write_example

pytestmark = pytest.mark.slow
ASK = "from model.verify import verify; print(verify('top-layer', 'no_lost_write').verdict.word)"


def python(words, cwd, program=sys.executable):
    """A run of Python, with nothing of this process's paths."""
    return subprocess.run([program, *words], cwd=cwd, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory of the programs of an environment with the wheel, what it depends on, and pytest."""
    folder = tmp_path_factory.mktemp("outside")
    source = folder / "source"
    source.mkdir()
    for name in ("model", "properties", "reports"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    built = python(["-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)], folder)
    assert 0 == built.returncode, built.stderr
    python(["-m", "venv", str(folder / "venv")], folder)
    programs = folder / "venv" / "bin"
    wheel = next(folder.glob("*.whl"))
    done = python(["-m", "pip", "install", "-q", str(wheel), "pytest"], folder, str(programs / "python"))
    assert 0 == done.returncode, done.stderr
    return programs


def test_the_command_finds_its_designs(installed, tmp_path):
    done = python(["check", "naive"], tmp_path, str(installed / "clearorder"))
    assert (1, "") == (done.returncode, done.stderr)
    assert "naive loses a write" in done.stdout


def test_a_program_can_ask(installed, tmp_path):
    done = python(["-c", ASK], tmp_path, str(installed / "python"))
    assert (0, "refuted\n", "") == (done.returncode, done.stdout, done.stderr)


def test_the_pytest_example_of_the_readme_passes(installed, tmp_path):
    write_example(tmp_path)
    done = python(["-m", "pytest", "-q"], tmp_path, str(installed / "python"))
    assert 0 == done.returncode, done.stdout


def test_a_result_can_be_shown(installed, tmp_path):
    """Templates and native sources are in the wheel."""
    code = "import reports; from model.verify import verify; print(reports.show(verify('naive'))._repr_html_()[:4])"
    done = python(["-c", code], tmp_path, str(installed / "python"))
    assert (0, "<div\n", "") == (done.returncode, done.stdout, done.stderr)


def test_the_evidence_pack_can_be_written(installed, tmp_path):
    """Style sheets and scripts are in the wheel."""
    words = ["check", "naive", "--pages", "1", "--report", str(tmp_path / "pack"), "-q"]
    done = python(words, tmp_path, str(installed / "clearorder"))
    assert "" == done.stderr
    assert (tmp_path / "pack" / "index.html").is_file()
