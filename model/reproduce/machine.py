"""A QEMU of ours: started with a monitor on a pair of sockets, asked in QMP, and killed by its process id at the end.

QMP is spoken by qemu.qmp, the QEMU project's own client: it negotiates, matches answers to commands, keeps events apart
and tells a monitor that hangs up from a command that is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import ModelError
from model.reproduce.qemu import BadQemu, Qemu

if TYPE_CHECKING:
    from qemu.qmp import QMPClient

START_SECONDS = 30.0
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # so that QEMU goes even where we are killed


class Died(ModelError):
    """A QEMU ended while it was needed.

    Attributes:
        said: the last lines that it wrote to stderr.
    """

    exit_code = 3

    def __init__(self, name: str, code: int | None, said: str) -> None:
        self.said = said
        super().__init__(f"the {name} QEMU {_ended(code)}{f': {said}' if said else ''}")


class Refused(ModelError):
    """QEMU answered a QMP command with an error."""

    exit_code = 3


def _ended(code: int | None) -> str:
    if code is None:
        return "hung up its monitor"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


@dataclass
class Machine:
    """A running QEMU: `await machine("query-migrate")` is a QMP command.

    Attributes:
        name: `source` or `destination`, for what is said of it.
        serial: the other end of its COM1.
    """

    name: str
    process: subprocess.Popen[bytes]
    qmp: QMPClient
    serial: socket.socket
    errors: Path

    async def __call__(self, command: str, **arguments: Any) -> Any:
        """What QEMU returns.

        Raises:
            Refused: an error.
            Died: nothing any more.
        """
        from qemu.qmp import ExecuteError, QMPError

        try:
            return await self.qmp.execute(command, arguments)
        except ExecuteError as error:
            raise Refused(f"the {self.name} QEMU refuses {command}: {error}") from None
        except (QMPError, OSError, EOFError):
            raise await self.died() from None

    async def died(self) -> Died:
        """How it ended; QEMU has a moment to do so."""
        for _ in range(500):
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.01)
        return Died(self.name, self.process.returncode, self.said())

    def said(self) -> str:
        """The end of what it wrote to stderr, on one line."""
        lines = self.errors.read_text(errors="replace").split("\n")
        return " ".join(line.strip() for line in lines[-4:] if line.strip())[-400:]

    async def heard(self) -> bytes:
        """A byte that the guest prints on COM1."""
        byte = await asyncio.get_running_loop().sock_recv(self.serial, 1)
        if not byte:
            raise await self.died()
        return byte

    async def tell(self, byte: bytes) -> None:
        """A byte for the guest's COM1."""
        await asyncio.get_running_loop().sock_sendall(self.serial, byte)


@asynccontextmanager
async def running(qemu: Qemu, name: str, options: Sequence[str], at: Path) -> AsyncIterator[Machine]:
    """A QEMU with these options whose working directory is `at`; it is gone when the block ends, however it ends.

    Raises:
        BadQemu: it ends, or says no QMP, before its monitor has answered.
    """
    errors = at / f"{name}.stderr"
    with contextlib.ExitStack() as held:
        monitor, serial = (_pair(held) for _ in range(2))
        argv = [*_with_us(), str(qemu.path), *options, *_socket("qmp", monitor[1]), *_socket("com1", serial[1])]
        argv += ["-mon", "chardev=qmp,mode=control", "-serial", "chardev:com1"]
        qmp = _client(name)
        process = _started(argv, at, errors, [monitor[1].fileno(), serial[1].fileno()])
        try:
            for end in (monitor[1], serial[1]):
                end.close()
            machine = Machine(name, process, qmp, serial[0], errors)
            await _connected(qemu, machine, monitor[0])
            yield machine
        finally:
            _end(process)
            with contextlib.suppress(Exception):  # that it hung up is no news
                await qmp.disconnect()


def _started(argv: Sequence[str], at: Path, errors: Path, ends: Sequence[int]) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C on the terminal is for us, and we end it."""
    with errors.open("wb") as out:
        return subprocess.Popen(
            argv, cwd=at, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=ends, start_new_session=True
        )


def _client(name: str) -> QMPClient:
    from qemu.qmp import QMPClient

    return QMPClient(name)


def _with_us() -> tuple[str, ...]:
    return WITH_US if shutil.which(WITH_US[0]) else ()


def _pair(held: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """Our end, which does not block, and QEMU's."""
    ours, theirs = socket.socketpair()
    held.callback(ours.close)
    held.callback(theirs.close)
    ours.setblocking(False)
    return ours, theirs


def _socket(name: str, end: socket.socket) -> list[str]:
    return ["-chardev", f"socket,id={name},fd={end.fileno()}"]


async def _connected(qemu: Qemu, machine: Machine, monitor: socket.socket) -> None:
    from qemu.qmp import ConnectError, QMPError

    try:
        async with asyncio.timeout(START_SECONDS):
            await machine.qmp.connect(monitor)
    except TimeoutError:
        raise BadQemu(f"{qemu.path} answers no QMP within {START_SECONDS:.0f} s: it is no QEMU, or it hangs.") from None
    except ConnectError as error:
        if isinstance(error.exc, QMPError):
            raise BadQemu(f"{qemu.path} speaks no QMP ({error.exc}): name a qemu-system-x86_64.") from None
        died = await machine.died()
        raise BadQemu(f"{qemu.path} cannot run this scenario: {died.message}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it by its process id; a second call does nothing. Blocks for a moment, so that nothing can come between."""
    process.kill()
    process.wait()
