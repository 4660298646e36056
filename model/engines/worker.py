"""Work in processes of their own: a proof beside the finite search, or many questions at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any


@contextmanager
def born_deaf() -> Iterator[None]:
    """Processes that are started in this block never hear Ctrl-C; who started them does."""
    resource_tracker.ensure_running()  # if it started in the block, it would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spread(function: Callable[..., Any], items: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """`function(*item)` of each item, in their order, by so many processes; Ctrl-C ends them too."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            with born_deaf():
                waiting = [pool.submit(function, *item) for item in items]
            yield from (each.result() for each in waiting)
        except BaseException:
            for process in list(pool._processes.values()):
                process.terminate()
            raise


class Aside:
    """`function(*arguments)` in another process; both must survive pickling.

    The process ignores Ctrl-C: who started it decides when it ends. Used as a context manager, it never outlives the
    block.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")  # a forked copy of a process with threads can hang
        self.here, there = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(there, function, arguments), daemon=True)
        with born_deaf():
            self.process.start()
        there.close()

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()
        self.here.close()

    @property
    def done(self) -> bool:
        """There is a result to be had without waiting (or the process has died)."""
        return self.here.poll()

    def wait(self, seconds: float) -> bool:
        """Wait so long for a result; whether there is one to be had (or the process has died)."""
        return self.here.poll(seconds)

    def result(self) -> Any:
        """What the function returned; waits for it.

        Raises:
            RuntimeError: the process ended without a result, or the function raised.
        """
        try:
            fine, value = self.here.recv()
        except EOFError:
            raise RuntimeError("the process beside this one ended without a result") from None
        if not fine:
            raise RuntimeError(value)
        return value


def _work(there: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        answer = True, function(*arguments)
    except Exception as wrong:
        answer = False, f"{type(wrong).__name__}: {wrong}"
    with suppress(OSError):
        there.send(answer)
