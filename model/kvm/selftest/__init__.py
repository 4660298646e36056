"""A counterexample as a C program in the manner of the kernel's selftests, for maintainers who want to run it.

It performs the script that `clearorder replay` performs, move by move, and writes KTAP. What the kernel promises is a
test a move; a loss is the design's and expected (XFAIL), so that a correct kernel passes and a wrong one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import CannotSay

if TYPE_CHECKING:
    from model.verify.result import Result


def document(result: Result, form: str = "standalone") -> str:
    """The counterexample of a result as a C program.

    Args:
        form: "standalone" (raw ioctls, any kernel) or "tree" (the tree's kvm_util.h, Linux 6.12 and later).

    Raises:
        CannotSay: the result has no counterexample, or one that KVM has no ioctls for.
    """
    from model.kvm.acts import Acts
    from model.kvm.replay import Judge
    from model.kvm.script import scripted
    from model.kvm.selftest.program import Words, program

    if result.trace is None or result.story is None:
        raise CannotSay(f"{result.design} has no counterexample to {result.property}; kselftest performs one.")
    trace = result.whole or result.trace
    texts = [line.text for line in (*result.story.lines, *result.story.tail)]
    acts = Acts(trace.instance)
    script = scripted(acts, trace.moves)
    judge = Judge(trace.instance, trace.invariant)
    return program(acts, script, judge, Words(result.design, result.property, texts, result.program.digest), form)
