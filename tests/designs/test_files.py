"""What a user's file says is what is asked, whatever was loaded before it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from model.designs.catalogue import load
from model.program.design import record
from model.verify.again import spec_of

OWN = 'class Mine(Base):\n    """Mine."""\n'


def saved(file: Path, base: str, more: str = OWN, at: float = 1e9) -> Path:
    """A file whose Base is that of a built-in design, of one length for every design, saved at that time."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{f'from model.designs.{base} as Base':80}\n{more}")
    os.utime(file, (at, at))
    return file


def uses(folder: Path) -> Path:
    """A design whose base lies in `parts.py` beside it."""
    (folder / "uses.py").write_text(f"from parts import Base\n\n\n{OWN}")
    return folder / "uses.py"


def digest(file: Path) -> str:
    return record(load(str(file))).digest


def test_two_saves_of_one_length_within_a_second_are_two_designs(tmp_path, monkeypatch):
    """Python's cache of bytecode knows a file by its length and second: the first one was checked."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    first = digest(saved(tmp_path / "mine.py", "naive import Naive"))
    assert first != digest(saved(tmp_path / "mine.py", "top_layer import TopLayer", at=1e9 + 0.5))


def test_a_module_beside_the_design_is_read_again_where_it_was_saved(tmp_path, monkeypatch):
    """It stayed as it was when it was imported first."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    saved(tmp_path / "parts.py", "naive import Naive", "")
    first = digest(uses(tmp_path))
    saved(tmp_path / "parts.py", "top_layer import TopLayer", "", at=1e9 + 0.5)
    assert first != digest(uses(tmp_path))


def test_modules_of_one_name_beside_two_designs_are_two(tmp_path):
    """The second design had the base of the first: `proved` was said of one that loses a write."""
    saved(tmp_path / "one" / "parts.py", "naive import Naive", "")
    saved(tmp_path / "other" / "parts.py", "top_layer import TopLayer", "")
    assert digest(uses(tmp_path / "one")) != digest(uses(tmp_path / "other"))


def test_two_files_of_one_name_keep_their_own_source(tmp_path):
    """What is said of the first names the first, also when the second has been loaded."""
    files = [saved(tmp_path / folder / "mine.py", "naive import Naive") for folder in ("one", "other")]
    designs = [load(str(file)) for file in files]
    assert [str(file) for file in files] == [spec_of(record(d)).removesuffix(":Mine") for d in designs]


def test_what_two_designs_of_a_folder_share_is_one(tmp_path):
    """A sort of threads that both import is the same sort."""
    saved(tmp_path / "parts.py", "naive import Naive", "")
    first = load(str(uses(tmp_path)))
    (tmp_path / "again.py").write_text((tmp_path / "uses.py").read_text())
    assert first.__mro__[1] is load(str(tmp_path / "again.py")).__mro__[1]
