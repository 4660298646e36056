"""A limit on what a user wrote is kept, and costs no thread of its own."""

import threading
from time import monotonic

import pytest

from model.program.deadline import TooLong, within


def busy(seconds):
    end = monotonic() + seconds
    while monotonic() < end:
        pass


def test_a_shorter_limit_inside_a_longer_one_is_kept():
    with within(60):
        with pytest.raises(TooLong), within(0.05):
            busy(30)
        busy(0.01)  # the longer one goes on


def test_a_limit_that_ends_first_is_kept_inside_one_that_ends_later():
    with pytest.raises(TooLong), within(0.05), within(60):
        busy(30)


def test_a_body_that_is_over_is_never_interrupted():
    with within(0.05):
        pass
    busy(0.1)


def test_the_next_limit_is_kept_after_one_has_passed():
    for _ in range(2):
        with pytest.raises(TooLong), within(0.02):
            busy(30)


def test_limits_one_after_another_share_a_thread():
    """A design has some ten operations, and each is recorded under a limit."""
    before = {t.ident for t in threading.enumerate()}
    for _ in range(20):
        with within(60):
            started = {t.ident for t in threading.enumerate()} - before
    assert len(started) <= 1


def test_each_thread_is_told_of_its_own_limit():
    told = []

    def run(seconds):
        try:
            with within(seconds):
                busy(0.4)
        except TooLong:
            told.append(seconds)

    threads = [threading.Thread(target=run, args=(s,)) for s in (0.05, 60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [0.05] == told
