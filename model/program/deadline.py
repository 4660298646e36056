"""A limit in seconds on running what a user wrote, which may never end."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic


class TooLong(BaseException):
    """Raised in the user's own code where the time is over; not an Exception, so that no `except` there takes it."""


@dataclass(eq=False)
class _Limit:
    """A body that runs: in which thread, and until when."""

    runner: int
    end: float


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Run the body for so long at most; then TooLong is raised in it, at whatever line it is.

    A second thread raises it: only the main thread takes signals, and a tracing function is the debugger's.
    """
    limit = _Limit(threading.get_ident(), monotonic() + seconds)
    try:
        _watcher.add(limit)
        yield
    finally:
        _watcher.drop(limit)


class _Watcher:
    """One thread for all limits, since a thread to each would cost more than most bodies.

    It sleeps until the nearest end that it knows of. A body that is over wakes nobody, so the thread outlives it for
    as long, and ends where no body is left.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.limits: set[_Limit] = set()
        self.thread: threading.Thread | None = None
        self.wakes = 0.0

    def add(self, limit: _Limit) -> None:
        with self.changed:
            self.limits.add(limit)
            if self.thread is None or not self.thread.is_alive():  # a forked copy of the process has no such thread
                self.thread = threading.Thread(target=self._watch, daemon=True)
                self.wakes = limit.end
                self.thread.start()
            elif limit.end < self.wakes:
                self.changed.notify()

    def drop(self, limit: _Limit) -> None:
        with self.changed:
            self.limits.discard(limit)

    def _watch(self) -> None:
        with self.changed:
            while self.limits:
                nearest = min(self.limits, key=lambda limit: limit.end)
                self.wakes = nearest.end
                if nearest.end > monotonic():
                    self.changed.wait(nearest.end - monotonic())
                else:
                    self.limits.discard(nearest)  # told once
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(nearest.runner), ctypes.py_object(TooLong)
                    )
            self.thread = None


def _raise_in(thread: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))


_watcher = _Watcher()
