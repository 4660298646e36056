"""ptrace from plain Python: run a program, or come to a running one, and stop it only at the ioctls asked for.

Every other system call, KVM_RUN among them, runs at full speed (`hook`). The program outlives its tracer: nothing is
left in it that needs one.

Source: Linux man pages ptrace(2), process_vm_readv(2); x86-64.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import MissingTool
from model.monitor.hook import PROCESS_VM_READV, Hook, Unhooked, install
from model.monitor.remote import (
    CONT,
    DETACH,
    INTERRUPT,
    LISTEN,
    ORIG_RAX,
    R8,
    R10,
    RAX,
    RDI,
    RDX,
    RSI,
    SEIZE,
    SYSCALL,
    WALL,
    process_of,
    ptrace,
    registers,
    signed,
    threads,
)
from model.monitor.spawn import EVENT_EXEC, EVENT_SECCOMP, EVENT_STOP, OPTIONS, CannotRun, spawn, to_entry

RESTARTS = (512, 513, 514, 516)  # the kernel will begin the call anew
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
RIGHT = "it takes root, or its owner and kernel.yama.ptrace_scope = 0, and nobody else may trace it"
READV = 1 << 32  # no number of an ioctl
LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GONE = (errno.ESRCH, errno.EIO)  # a thread was killed between its stop and our request
PATIENCE = 5.0  # seconds for a thread to stop when it is asked to


@dataclass(frozen=True)
class Stop:
    """A thread at the begin or end of one of the ioctls.

    Attributes:
        request: the number of the ioctl, or READV for process_vm_readv().
        fd, argument: the descriptor and what was handed over; of READV the process and its list of `count` pieces.
        runs: how often a KVM_RUN of its process had begun and had ended by then.
        result: what the ioctl returned, negative error numbers as the kernel has them; None at its begin.
    """

    tid: int
    pid: int
    fd: int
    request: int
    argument: int
    runs: tuple[int, int]
    count: int = 0
    result: int | None = None


class Tracer:
    """Hands every begin and end of the wanted ioctls of a program, and of what it starts, to a function.

    Args:
        requests: ioctl numbers to stop at.

    Attributes:
        pid: the program's process.
        unseen: programs whose ioctls cannot be seen, and why.
        detached: it was left running.

    Raises:
        MissingTool: this is not x86-64 Linux, or ptrace is not allowed here.
    """

    def __init__(self, requests: Sequence[int]) -> None:
        if platform.machine() != "x86_64" or platform.system() != "Linux":
            here = f"{platform.machine()} {platform.system()}"
            raise MissingTool(f"the recorder works on x86-64 Linux, and this is {here}.")
        self.requests = requests
        self.begun: dict[int, Stop] = {}
        self.processes: dict[int, int] = {}
        self.hooks: dict[int, list[Hook]] = {}
        self.unseen: list[str] = []
        self.code, self.pid = 0, 0
        self.leaving = self.detached = False

    def start(self, argv: Sequence[str]) -> None:
        """Start a program, found on PATH as a shell does, and hold it before its first instruction until `run`.

        Raises:
            CannotRun: there is no such program.
        """
        self.pid = spawn(argv)
        self._executed(self.pid)

    def abandon(self) -> None:
        """End a program that was started and not run."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def attach(self, pid: int) -> None:
        """Come to a process that runs already, all its threads.

        Raises:
            CannotRun: there is no such process, it is not ours, or its ioctls cannot be seen.
        """
        self.pid = pid
        try:
            resume = self._seized(pid)
            leader = next((tid for tid, number in resume.items() if not number), None)
            if leader is None:
                raise CannotRun(f"process {pid} is stopped; let it go on (kill -CONT {pid}) and try again.")
            self.hooks[pid] = install(leader, pid, self.requests)
        except OSError as error:
            why = f"; {RIGHT}" if error.errno == errno.EPERM else ""
            raise CannotRun(f"cannot attach to process {pid}: {error.strerror}{why}.") from None
        except Unhooked as reason:
            raise CannotRun(f"cannot attach to process {pid}: {reason}.") from None
        for tid, number in resume.items():
            with _gone():
                ptrace(CONT, tid, 0, number)

    def _seized(self, pid: int) -> dict[int, int]:
        """Seize and stop every thread; thread -> the signal that was on its way to it, or 0."""
        found: dict[int, int] = {}
        while new := [tid for tid in threads(pid) if tid not in found]:
            for tid in new:
                found[tid] = 0
                with _gone():
                    if tid not in self.processes:
                        ptrace(SEIZE, tid, 0, OPTIONS)
                    ptrace(INTERRUPT, tid)
                    found[tid] = _stopping_signal(tid)
                    self.processes[tid] = pid
        if not found:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return found

    def run(self, handle: Callable[[Stop], None]) -> int:
        """Until every process of the program has ended; returns the exit status of the first one.

        Killed by a signal n it is 128 + n, as a shell has it. Signals to this process are passed on.
        """
        with _forwarding(self.pid):
            with _gone():
                ptrace(CONT, self.pid)
            while stops := self._waited():
                self._all(stops, handle)
        return self.code

    def watch(self, handle: Callable[[Stop], None]) -> None:
        """Until the process that we came to has ended, or a ^C: then it is left running, as it was."""
        with self._leaving():
            while not self.leaving and (stops := self._waited()):
                self._all(stops, handle)
            if self.leaving:
                self.detach(handle)

    def _all(self, stops: list[tuple[int, int]], handle: Callable[[Stop], None]) -> None:
        for tid, status in stops:
            try:
                self._stopped(tid, status, handle)
            except OSError as error:
                if error.errno not in GONE:
                    raise

    @contextlib.contextmanager
    def _leaving(self) -> Iterator[None]:
        """^C sets a flag, and wakes the wait by a stop that means nothing."""

        def leave(number: int, frame: object) -> None:
            self.leaving = True
            for tid in threads(self.pid):
                with contextlib.suppress(OSError):
                    ptrace(INTERRUPT, tid)

        old = {s: signal.signal(s, leave) for s in LEAVING}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def detach(self, handle: Callable[[Stop], None]) -> None:
        """Let every thread go between two ioctls, and take the hooks out."""
        resume = {tid: self._quiet(tid, handle) for tid in self._interrupted()}
        for pid in {self._process(tid) for tid in resume}:
            with _gone():
                for hook in self._hooks(pid):
                    hook.remove(pid)
        for tid, number in resume.items():
            with _gone():
                ptrace(DETACH, tid, 0, number)
        self.detached = True

    def _interrupted(self) -> list[int]:
        """Every thread of every process, asked to stop."""
        found = [tid for pid in {self.pid, *self.processes.values()} for tid in threads(pid)]
        for tid in found:
            with contextlib.suppress(OSError):
                ptrace(INTERRUPT, tid)
        return found

    def _quiet(self, tid: int, handle: Callable[[Stop], None]) -> int:
        """Wait until a thread has stopped outside of an ioctl; the signal that was on its way, or 0."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found, status = os.waitpid(tid, WALL | os.WNOHANG)
            if not found:
                time.sleep(0.001)
            elif not os.WIFSTOPPED(status):
                break
            elif status >> 16 == EVENT_STOP and tid not in self.begun:
                return 0
            elif not status >> 16 and not _at_return(status) and tid not in self.begun:
                return os.WSTOPSIG(status)
            else:
                with _gone():
                    self._stopped(tid, status, handle)
                    ptrace(INTERRUPT, tid)
        return 0

    def _waited(self) -> list[tuple[int, int]]:
        """Every thread that has something to say, those whose ioctl returned first; empty when all have ended.

        All are heard before any goes on: a thread that returned long ago must not seem to be in its ioctl still.
        """
        found = []
        try:
            found.append(os.waitpid(-1, WALL))
            while (more := os.waitpid(-1, WALL | os.WNOHANG))[0]:
                found.append(more)
        except ChildProcessError:
            pass
        return sorted(found, key=lambda stop: not _at_return(stop[1]))

    def _stopped(self, tid: int, status: int, handle: Callable[[Stop], None]) -> None:
        if not os.WIFSTOPPED(status):
            self._ended(tid, status)
            return
        number, event = os.WSTOPSIG(status), status >> 16
        if event == EVENT_SECCOMP:
            self.begun[tid] = stop = self._stop(tid)
            handle(stop)
            ptrace(SYSCALL, tid)
        elif _at_return(status):
            self._returned(tid, handle)
        elif event == EVENT_STOP and number != signal.SIGTRAP:
            ptrace(LISTEN, tid)  # stopped by job control: it stays so until SIGCONT
        elif event:
            if event == EVENT_EXEC:
                self._executed(tid)
            ptrace(SYSCALL if tid in self.begun else CONT, tid)
        else:
            ptrace(SYSCALL if tid in self.begun else CONT, tid, 0, number)

    def _ended(self, tid: int, status: int) -> None:
        self.begun.pop(tid, None)
        self.processes.pop(tid, None)
        self.hooks.pop(tid, None)
        if tid == self.pid:
            code = os.waitstatus_to_exitcode(status)
            self.code = code if code >= 0 else 128 - code

    def _executed(self, tid: int) -> None:
        """A process has become another program: let its linker work, then hook it."""
        self.begun.pop(tid, None)
        self.hooks.pop(tid, None)
        try:
            ended = to_entry(tid)
            if ended is not None:
                self._ended(tid, ended)
                return
            self.hooks[tid] = install(tid, tid, self.requests)
        except (Unhooked, StopIteration, OSError, ValueError) as reason:
            with contextlib.suppress(OSError):
                self.unseen.append(f"{Path(f'/proc/{tid}/exe').readlink()}: {reason}")

    def _hooks(self, pid: int) -> list[Hook]:
        """A child that was forked has the pages of its parent."""
        if pid not in self.hooks:
            known = {hook.page: hook for hooks in self.hooks.values() for hook in hooks}
            self.hooks[pid] = [hook for hook in known.values() if hook.in_place(pid)]
        return self.hooks[pid]

    def _stop(self, tid: int) -> Stop:
        values = registers(tid)
        pid = self._process(tid)
        begun = ended = 0
        for hook in self._hooks(pid):
            one, other = hook.runs(pid)
            begun, ended = begun + one, ended + other
        fd = values[RDI] & 0xFFFFFFFF
        if values[ORIG_RAX] == PROCESS_VM_READV:
            return Stop(tid, pid, fd, READV, values[R10], (begun, ended), values[R8])
        return Stop(tid, pid, fd, values[RSI] & 0xFFFFFFFF, values[RDX], (begun, ended))

    def _returned(self, tid: int, handle: Callable[[Stop], None]) -> None:
        begun = self.begun.pop(tid, None)
        if begun:
            result = signed(registers(tid)[RAX])
            result = -errno.EINTR if -result in RESTARTS else result
            handle(replace(begun, result=result))
        ptrace(CONT, tid)

    def _process(self, tid: int) -> int:
        """The process that a thread belongs to."""
        if tid not in self.processes:
            self.processes[tid] = process_of(tid)
        return self.processes[tid]


def _at_return(status: int) -> bool:
    """The thread is at the end of its ioctl."""
    return os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP | 0x80


def _stopping_signal(tid: int) -> int:
    """Wait for a thread that was asked to stop; the signal that came first, or 0."""
    _, status = os.waitpid(tid, WALL)
    if not os.WIFSTOPPED(status):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    number = os.WSTOPSIG(status)
    return 0 if status >> 16 == EVENT_STOP and number == signal.SIGTRAP else number


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """A thread may be killed between its stop and our request: that is not an error."""
    try:
        yield
    except OSError as error:
        if error.errno not in GONE:
            raise


@contextlib.contextmanager
def _forwarding(pid: int) -> Iterator[None]:
    """Signals that end a program go to the traced one; a terminal's ^C reaches it anyway."""

    def forward(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    old = {s: signal.signal(s, forward) for s in FORWARDED}
    old |= {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
