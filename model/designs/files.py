"""Running a user's file, with whatever can go wrong in it said as one message with file and line."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from model.errors import DesignError, Place, UsageError, shown_path
from model.program.deadline import TooLong, within
from model.program.declared import defined_twice
from model.program.tracing import of_python

SECONDS = 20.0  # to run a file, which declares designs and searches nothing
OURS = ("model", "properties", "reports")


class Beside(MetaPathFinder):
    """Finds modules that lie beside a user's file, but never one in place of Python's own or of ours.

    A `queue.py` or `model.py` that happens to lie there would otherwise be imported by whatever asks for `queue`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or name in sys.stdlib_module_names or name in OURS:
            return None
        return PathFinder.find_spec(name, [str(self.folder)])


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Imports find what lies in the folder first."""
    finder = Beside(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def run(file: Path) -> ModuleType:
    """The module that the file is.

    Raises:
        UsageError: there is no such file.
        DesignError: it cannot be run to its end; the message has file and line.
    """
    if not file.is_file():
        raise UsageError(f"there is no file '{file}'; a design is a file such as my_design.py or a name from `--list`.")
    module_name = f"_design_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"'{file}' is not a Python file.")
    _refuse_twice(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        with beside(file.resolve().parent), within(SECONDS):
            spec.loader.exec_module(module)
    except DesignError:
        raise
    except SyntaxError as wrong:
        raise DesignError(f"{wrong.msg}.", _of_syntax(wrong, file)) from None
    except TooLong as wrong:
        raise DesignError(
            f"the file was still running after {SECONDS:.0f} seconds. A design only declares what can happen; take "
            f"away what computes or waits here.",
            _in_file(wrong, file),
        ) from None
    except (Exception, SystemExit) as wrong:
        raise DesignError(of_python(wrong), _in_file(wrong, file)) from None
    return module


def _refuse_twice(file: Path) -> None:
    """Refuse a design or a property that the file defines twice: Python keeps the last one only."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return  # which running it says
    if twice := defined_twice(body, variables=False):
        name, first, again = twice
        raise DesignError(
            f"{name} is defined twice, and the first one, in line {first}, is lost; give one of them another name.",
            Place(shown_path(str(file)), again),
        )


def _of_syntax(wrong: SyntaxError, file: Path) -> Place:
    """Where the parser stopped, in this file or in one that it imports."""
    name = wrong.filename if wrong.filename and Path(wrong.filename).is_file() else str(file)
    start = max((wrong.offset or 1) - 1, 0)
    return Place(shown_path(name), wrong.lineno or 1, start, start + 1)


def _in_file(wrong: BaseException, file: Path) -> Place:
    """The last line of the file that ran."""
    own = str(file.resolve())
    frames = [f for f in traceback.extract_tb(wrong.__traceback__) if str(Path(f.filename).resolve()) == own]
    return Place(shown_path(str(file)), (frames[-1].lineno if frames else 1) or 1)
