"""A limit in seconds on running what a user wrote, which may never end."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TooLong(BaseException):
    """Raised in the user's own code where the time is over; not an Exception, so that no `except` there takes it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Run the body for so long at most; then TooLong is raised in it, at whatever line it is.

    A second thread raises it: only the main thread takes signals, and a tracing function is the debugger's.
    """
    done, lock, runner = threading.Event(), threading.Lock(), threading.get_ident()

    def watch() -> None:
        if done.wait(seconds):
            return
        with lock:
            if not done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runner), ctypes.py_object(TooLong))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            done.set()
        watcher.join()
