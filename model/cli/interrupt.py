"""SIGTERM and Ctrl-C end a command in the same way: everything is cleaned up, and what was covered is said."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread
from types import FrameType

from model.limits import interrupts_kept

TERMINATED = 128 + signal.SIGTERM  # what a shell says of a command that SIGTERM has ended


def heard() -> Iterator[int]:
    """The signals that are meant for a command; Ctrl-C is not where its shell has put it into the background (`&`)."""
    yield signal.SIGTERM
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        yield signal.SIGINT


class Terminable:
    """A block in which SIGTERM is what Ctrl-C is: everything is cleaned up, and what was covered is said.

    Python runs handlers between its own instructions, and z3 may think for minutes within one; but z3 listens for
    Ctrl-C itself. So a thread hears of every signal at once, and passes SIGTERM on as Ctrl-C where z3 is loaded.

    Attributes:
        asked: a SIGTERM has come; it interrupts once, so that another one does not cut the cleaning up short.
    """

    def __init__(self) -> None:
        self.asked = self.passed_on = False

    def __enter__(self) -> Terminable:
        self.ear, mouth = os.pipe()
        os.set_blocking(mouth, False)
        with ExitStack() as undo:  # so that what interrupts the beginning leaves nothing changed
            before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
            undo.callback(lambda: os.close(signal.set_wakeup_fd(before)))  # which ends the thread
            for number in heard():
                undo.callback(signal.signal, number, signal.signal(number, self.interrupt))
            Thread(target=self.listen, daemon=True).start()
            undo.enter_context(interrupts_kept())
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.undo.close()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM or self.passed_on:
            if self.asked:
                return
            self.asked = True
        raise KeyboardInterrupt

    def listen(self) -> None:
        with os.fdopen(self.ear, "rb", buffering=0) as ear:
            while heard := ear.read(1):
                if heard[0] == signal.SIGTERM and "z3" in sys.modules and not self.passed_on:
                    self.passed_on = True
                    os.kill(os.getpid(), signal.SIGINT)
