"""Rows of one table: some are asked by default, and the rest, which can only fail in the same way, every night."""

from collections.abc import Callable, Iterable

import pytest


def rest_nightly(rows: Iterable, by_default: Callable):
    """The rows as pytest's parameters; those that are not among the default ones are slow."""
    return [pytest.param(row, marks=() if by_default(row) else pytest.mark.slow) for row in rows]
