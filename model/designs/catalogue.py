"""Finding designs and properties by name: built in, in a user's file, or beside a user's design."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from model.designs.files import run
from model.errors import UsageError, did_you_mean
from model.expr import Property
from model.program.design import Design, kebab

HERE = Path(__file__).parent
NOT_DESIGNS = {"__init__", "catalogue", "dirty_log", "files", "gallery", "manifest"}
MAIN = ("naive", "top-layer", "per-slot-cache")
DEFAULT_PROPERTIES = ("no_lost_write", "promise_kept")
OWN_END = "complete_copy"  # of designs that say themselves when they have finished


def built_in_designs() -> list[str]:
    """Names of the designs of the 2019 discussion, the three of the comparison first."""
    names = sorted(n for n, module in _modules().items() if module.count(".") == 2)
    return [*MAIN, *(n for n in names if n not in MAIN)]


def gallery_designs() -> dict[str, str]:
    """name -> family, of the real designs and bugs, which are kept in a folder a family."""
    return {n: m.split(".")[2] for n, m in sorted(_modules().items()) if m.count(".") > 2}


@cache
def _modules() -> dict[str, str]:
    """name -> module, for every file that holds a built-in design."""
    files = [f for f in HERE.rglob("*.py") if f.stem not in NOT_DESIGNS and f.parent.name != "environment"]
    return {kebab(f.stem): ".".join(("model.designs", *f.relative_to(HERE).with_suffix("").parts)) for f in files}


def load(spec: str) -> type[Design]:
    """The design that `spec` names: `top-layer`, `my_design.py` or `my_design.py:MyDesign`.

    Raises:
        UsageError: there is no such design or file; the message offers the nearest name.
        DesignError: the file cannot be run; the message has file and line.
    """
    if spec.endswith(".py") or ".py:" in spec:
        path, _, name = spec.partition(".py:")
        file = Path(path if spec.endswith(".py") else path + ".py")
        return _one_design(run(file), name, file)
    modules = _modules()
    if spec not in modules:
        raise UsageError(
            f"there is no design '{spec}'{did_you_mean(spec, list(modules))} `--list` shows them; "
            f"a design of your own is given as a file: my_design.py"
        )
    module = importlib.import_module(modules[spec])
    return next(d for d in _designs(module) if kebab(d.__name__) == spec)


def _designs(module: ModuleType) -> list[type[Design]]:
    """Designs that the module defines itself."""
    found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Design)]
    return [d for d in found if d.__module__ == module.__name__]


def designs_beside(design: type[Design]) -> list[type[Design]]:
    """The designs in the same file, itself among them."""
    module = sys.modules.get(design.__module__)
    return _designs(module) if module else [design]


def _one_design(module: ModuleType, name: str, file: Path) -> type[Design]:
    own = _designs(module)
    if name:
        every = {d.__name__: d for d in vars(module).values() if isinstance(d, type) and issubclass(d, Design)}
        if name in every and every[name] is not Design:
            return every[name]
        known = [d.__name__ for d in own]
        raise UsageError(f"{file} has no design '{name}'{did_you_mean(name, known)} It has {_and(known)}.")
    leaves = [d for d in own if not any(o is not d and issubclass(o, d) for o in own)]
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        raise UsageError(f"{file} defines no design; a design is a class: class MyDesign(DirtyLog): ...")
    raise UsageError(f"{file} defines {_and([d.__name__ for d in leaves])}; say which: {file}:{leaves[0].__name__}")


def _and(words: list[str]) -> str:
    return ", ".join(words) or "none"


def built_in_properties() -> dict[str, Property]:
    """name -> property, the two forms of safety first."""
    import properties

    found: dict[str, Property] = {}
    for file in sorted(Path(properties.__file__ or "").parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"properties.{file.stem}")
        found |= {v.name: v for v in vars(module).values() if isinstance(v, Property)}
    first = {name: found[name] for name in DEFAULT_PROPERTIES}
    return first | {n: p for n, p in found.items() if n not in first}


def find_property(name: str, design: type[Design] | None = None) -> Property:
    """A property by its name: built in, `my_rules.py:name`, or defined in the file of the design.

    Raises:
        UsageError: there is none; the message offers the nearest name.
    """
    if ".py:" in name:
        path, _, word = name.partition(".py:")
        known = {p.name: p for p in _properties(run(Path(path + ".py")))}
        name = word
    else:
        beside = sys.modules.get(design.__module__) if design else None
        known = built_in_properties() | {p.name: p for p in _properties(beside)}
    if name not in known:
        raise UsageError(
            f"there is no property '{name}'{did_you_mean(name, list(known))} `--list` shows them; one of your own "
            f"stands in the design's file or is given as rules.py:{name}"
        )
    return known[name]


def own_properties(design: type[Design]) -> list[Property]:
    """The properties that stand in the file of a user's design, whoever asks them."""
    if design.__module__.startswith("model."):
        return []
    built_in = built_in_properties().values()
    return [p for p in _properties(sys.modules.get(design.__module__)) if p not in built_in]


def _properties(module: ModuleType | None) -> Iterator[Property]:
    return (v for v in vars(module).values() if isinstance(v, Property)) if module else iter(())
