"""Running a user's file, with whatever can go wrong in it said as one message with file and line."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from model.errors import DesignError, Place, UsageError, shown_path
from model.program.deadline import TooLong, within
from model.program.declared import defined_twice
from model.program.tracing import of_python

SECONDS = 20.0  # to run a file, which declares designs and searches nothing
OURS = ("model", "properties", "reports")


class Fresh(SourceFileLoader):
    """Runs the text that the file has now.

    Python's own cache takes two saves of one length within a second for one: the answer would be that of the first.
    """

    def get_code(self, fullname: str) -> CodeType:
        self.read = self.get_data(self.path)
        return self.source_to_code(self.read, self.path)

    def current(self, folder: Path) -> bool:
        """The module is what an import from that folder would make again."""
        file = Path(self.path)
        return folder in file.parents and file.is_file() and file.read_bytes() == self.read


class Beside(MetaPathFinder):
    """Finds modules that lie beside a user's file, but never one in place of Python's own or of ours.

    A `queue.py` or `model.py` that happens to lie there would otherwise be imported by whatever asks for `queue`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is None and (name in sys.stdlib_module_names or name in OURS):
            return None
        places = [str(self.folder)] if path is None else [p for p in path if self.folder in Path(p).parents]
        spec = PathFinder.find_spec(name, places)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Fresh(name, spec.loader.path)
        return spec


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Imports find what lies in the folder first, and nothing that lay beside another file or was saved since."""
    finder, hidden = Beside(folder), _of_others(folder)
    for name in hidden:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in hidden.items():  # classes of designs that were loaded before look for their own
            sys.modules.setdefault(name, module)


def _of_others(folder: Path) -> dict[str, ModuleType]:
    """Modules of users that an import from the folder must not get."""
    theirs = ((name, module, getattr(module, "__loader__", None)) for name, module in list(sys.modules.items()))
    return {n: m for n, m, loader in theirs if isinstance(loader, Fresh) and not loader.current(folder)}


def run(file: Path) -> ModuleType:
    """The module that the file is.

    Raises:
        UsageError: there is no such file.
        DesignError: it cannot be run to its end; the message has file and line.
    """
    if not file.is_file():
        raise UsageError(f"there is no file '{file}'; a design is a file such as my_design.py or a name from `--list`.")
    loader = Fresh(_module_name(file), str(file))
    spec = importlib.util.spec_from_file_location(loader.name, file, loader=loader)
    assert spec is not None, "a loader makes a spec of any file"
    _refuse_twice(file)
    module = importlib.util.module_from_spec(spec)
    try:
        with beside(file.resolve().parent), within(SECONDS):
            sys.modules[loader.name] = module
            loader.exec_module(module)
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


def _module_name(file: Path) -> str:
    """One for each file, also where two folders have files of one name: a class finds its source by it."""
    return f"_design_{file.stem}_{sha256(str(file.resolve()).encode()).hexdigest()[:16]}"


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
