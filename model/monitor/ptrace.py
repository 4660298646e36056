"""ptrace and seccomp from plain Python: run a program, and stop it only at the ioctls that are asked for.

A seccomp filter lets every other system call, KVM_RUN among them, run at full speed.

Source: Linux man pages ptrace(2), seccomp(2), process_vm_readv(2); x86-64.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import MissingTool, ModelError

GETREGS, SYSCALL, CONT, SEIZE, LISTEN = 12, 24, 7, 0x4206, 0x4208
SYSGOOD, FORK, VFORK, CLONE, EXEC, SECCOMP, EXITKILL = 1, 2, 4, 8, 16, 128, 1 << 20
OPTIONS = SYSGOOD | FORK | VFORK | CLONE | EXEC | SECCOMP | EXITKILL
EVENT_SECCOMP, EVENT_STOP = 7, 128
WALL = 0x40000000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
ARCH_X86_64, IOCTL = 0xC000003E, 16
RDI, RSI, RDX, RAX = 14, 13, 12, 10  # places in user_regs_struct
RESTARTS = (512, 513, 514, 516)  # the kernel will begin the call anew
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class CannotRun(ModelError):
    """The program could not be started."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    libc.process_vm_readv.argtypes = [
        *(ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong),
        *(ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong),
    ]
    libc.process_vm_readv.restype = ctypes.c_ssize_t
    return libc


LIBC = _libc()


def ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> None:
    """One ptrace request; raises OSError."""
    if LIBC.ptrace(request, tid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def peek(tid: int, address: int, size: int) -> bytes:
    """Memory of a stopped thread; shorter than `size`, or empty, where it ends or is not mapped."""
    buffer = ctypes.create_string_buffer(max(size, 1))
    mine, theirs = _Piece(ctypes.addressof(buffer), size), _Piece(address, size)
    count = LIBC.process_vm_readv(tid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
    return buffer.raw[: max(count, 0)]


def bpf(requests: Sequence[int]) -> ctypes.Array[_Instruction]:
    """A seccomp filter: stop at ioctl() with one of these requests, allow all else.

    It loads the architecture, the number of the system call and the low half of its second argument, in that order.
    """
    load, equal, leave = 0x20, 0x15, 0x06
    allow, trace = 0x7FFF0000, 0x7FF00000
    count = len(requests)
    rows = [(load, 0, 0, 4), (equal, 0, count + 3, ARCH_X86_64), (load, 0, 0, 0), (equal, 0, count + 1, IOCTL)]
    rows += [(load, 0, 0, 24), *((equal, count - i, 0, request) for i, request in enumerate(requests))]
    rows += [(leave, 0, 0, allow), (leave, 0, 0, trace)]
    return (_Instruction * len(rows))(*(_Instruction(*row) for row in rows))


@dataclass(frozen=True)
class Stop:
    """A thread at the begin or end of one of the ioctls.

    Attributes:
        result: what the ioctl returned, negative error numbers as the kernel has them; None at its begin.
    """

    tid: int
    pid: int
    fd: int
    request: int
    argument: int
    result: int | None = None


class Tracer:
    """Runs a program to its end and hands every begin and end of the wanted ioctls to a function.

    Args:
        argv: the program and its arguments; found on PATH as a shell does.
        requests: ioctl numbers to stop at.

    Raises:
        MissingTool: this is not x86-64 Linux, or ptrace is not allowed here.
        CannotRun: there is no such program.
    """

    def __init__(self, argv: Sequence[str], requests: Sequence[int]) -> None:
        if platform.machine() != "x86_64" or platform.system() != "Linux":
            here = f"{platform.machine()} {platform.system()}"
            raise MissingTool(f"the recorder works on x86-64 Linux, and this is {here}.")
        self.begun: dict[int, Stop] = {}
        self.processes: dict[int, int] = {}
        self.registers = ctypes.create_string_buffer(216)
        self.code = 0
        self.pid = _spawn(argv, bpf(requests))

    def run(self, handle: Callable[[Stop], None]) -> int:
        """Until every process of the program has ended; returns the exit status of the first one.

        Killed by a signal n it is 128 + n, as a shell has it. Signals to this process are passed on.
        """
        with _forwarding(self.pid):
            while stops := self._waited():
                for tid, status in stops:
                    with _gone():
                        self._stopped(tid, status, handle)
        return self.code

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
            self.begun.pop(tid, None)
            self.processes.pop(tid, None)
            if tid == self.pid:
                code = os.waitstatus_to_exitcode(status)
                self.code = code if code >= 0 else 128 - code
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
            ptrace(CONT, tid)
        else:
            ptrace(CONT, tid, 0, number)

    def _stop(self, tid: int) -> Stop:
        fd, request, argument, _ = self._registers(tid)
        return Stop(tid, self._process(tid), fd & 0xFFFFFFFF, request & 0xFFFFFFFF, argument)

    def _returned(self, tid: int, handle: Callable[[Stop], None]) -> None:
        begun = self.begun.pop(tid, None)
        if begun:
            result = ctypes.c_long(self._registers(tid)[3]).value
            result = -errno.EINTR if -result in RESTARTS else result
            handle(Stop(tid, begun.pid, begun.fd, begun.request, begun.argument, result))
        ptrace(CONT, tid)

    def _registers(self, tid: int) -> tuple[int, int, int, int]:
        ptrace(GETREGS, tid, 0, ctypes.addressof(self.registers))
        values = struct.unpack("<27Q", self.registers.raw)
        return values[RDI], values[RSI], values[RDX], values[RAX]

    def _process(self, tid: int) -> int:
        """The process that a thread belongs to."""
        if tid not in self.processes:
            try:
                lines = Path(f"/proc/{tid}/status").read_text().splitlines()
                self.processes[tid] = next(int(line.split()[1]) for line in lines if line.startswith("Tgid:"))
            except (OSError, StopIteration):
                self.processes[tid] = tid
        return self.processes[tid]


def _at_return(status: int) -> bool:
    """The thread is at the end of its ioctl."""
    return os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP | 0x80


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """A thread may be killed between its stop and our request: that is not an error."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EIO):
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


def _spawn(argv: Sequence[str], filter: ctypes.Array[_Instruction]) -> int:
    """Start the program, seized and filtered; returns its process id."""
    ready, go = os.pipe()
    failed, failure = os.pipe()
    program = _Program(len(filter), ctypes.cast(filter, ctypes.POINTER(_Instruction)))
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _child(argv, program, ready, failure)
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
            ptrace(CONT, pid)
            if status >> 16 == 4:  # PTRACE_EVENT_EXEC
                return


def _child(argv: Sequence[str], program: _Program, ready: int, failure: int) -> None:
    """In the child: wait to be seized, install the filter, become the program. Does not return."""
    number = 0
    try:
        if not os.read(ready, 1):
            os._exit(127)
        os.close(ready)
        _reset((signal.SIGPIPE, signal.SIGXFSZ))
        if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(
            PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(program), 0, 0
        ):
            number = ctypes.get_errno()
        else:
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
