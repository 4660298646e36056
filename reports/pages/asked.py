"""The command that asks the question of a result again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from model.program.store_buffer import SIZE
from model.verify.result import Evidence, Result

OPTIONS = {"pages": "--pages", "clients": "--clients", "slots": "--slots", "vcpus": "--vcpus"}


def command_of(result: Result, spec: str) -> str:
    """The command that asks the same question again."""
    finite = next((e for e in result.evidence if "any" not in e.scope.values()), None)
    words = ["python", "-m", "model.check", spec, "--property", result.property]
    words += ["--engine", _engine(result.evidence)]
    for name, size in (finite.scope if finite else {}).items():
        words += [OPTIONS[name], str(size)] if name in OPTIONS else ["--size", f"{_sort(result, name)}={size}"]
    return shlex.join(words)


def _sort(result: Result, plural: str) -> str:
    return next((s for s in (*result.program.sorts, SIZE) if f"{s.lower()}s" == plural), plural)


def _engine(evidence: Iterable[Evidence]) -> str:
    asked = {e.engine for e in evidence}
    return next(iter(asked)) if len(asked) == 1 else "auto"
