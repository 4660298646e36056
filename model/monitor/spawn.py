"""Starting a program under ptrace: seized before its exec, and run up to its first instruction.

Source: Linux man pages ptrace(2), getauxval(3); x86-64.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable, Sequence

from model.errors import MissingTool, ModelError
from model.monitor.remote import CONT, RIP, SEIZE, WALL, entry, peek, poke, ptrace, registers, set_registers

SYSGOOD, FORK, VFORK, CLONE, EXEC, SECCOMP = 1, 2, 4, 8, 16, 128
OPTIONS = SYSGOOD | FORK | VFORK | CLONE | EXEC | SECCOMP
EVENT_EXEC, EVENT_SECCOMP, EVENT_STOP = 4, 7, 128


class CannotRun(ModelError):
    """The program could not be started, or there is no such process."""


def spawn(argv: Sequence[str]) -> int:
    """Start the program, seized, and stopped where it has just been executed; returns its process id."""
    ready, go = os.pipe()
    failed, failure = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _child(argv, ready, failure)
    os.close(ready)
    os.close(failure)
    try:
        ptrace(SEIZE, pid, 0, OPTIONS)
    except OSError as error:
        os.close(go)
        os.close(failed)
        os.waitpid(pid, 0)
        raise MissingTool(f"ptrace is not allowed here ({error.strerror}); the recorder needs it.") from None
    os.write(go, b"x")
    os.close(go)
    _until_exec(pid, failed, argv[0])
    return pid


def _until_exec(pid: int, failed: int, name: str) -> None:
    """Let the child go on to its exec; raises CannotRun if that fails."""
    with os.fdopen(failed, "rb") as pipe:
        while True:
            _, status = os.waitpid(pid, WALL)
            if not os.WIFSTOPPED(status):
                number = int(pipe.read() or b"0")
                raise CannotRun(f"cannot run {name}: {os.strerror(number) if number else 'it ended before it began'}.")
            if status >> 16 == EVENT_EXEC:
                return
            ptrace(CONT, pid)


def _child(argv: Sequence[str], ready: int, failure: int) -> None:
    """In the child: wait to be seized, become the program. Does not return."""
    number = 0
    try:
        if not os.read(ready, 1):
            os._exit(127)
        os.close(ready)
        _reset((signal.SIGPIPE, signal.SIGXFSZ))
        os.execvp(argv[0], list(argv))
    except OSError as error:
        number = error.errno or errno.EINVAL
    finally:
        os.write(failure, str(number).encode())
        os._exit(127)


def _reset(signals: Iterable[int]) -> None:
    """Undo what Python itself ignores."""
    for number in signals:
        signal.signal(number, signal.SIG_DFL)


def to_entry(tid: int) -> int | None:
    """Let a process that has just been executed run to its first instruction; its status if it ended before."""
    at = entry(tid)
    code = peek(tid, at, 1)
    poke(tid, at, b"\xcc")
    number = 0
    while True:
        ptrace(CONT, tid, 0, number)
        _, status = os.waitpid(tid, WALL)
        if not os.WIFSTOPPED(status):
            return status
        number = 0 if status >> 16 else os.WSTOPSIG(status)
        if number == signal.SIGTRAP:
            break
    values = registers(tid)
    values[RIP] = at
    set_registers(tid, values)
    poke(tid, at, code)
    return None
