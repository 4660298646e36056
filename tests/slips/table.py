"""The outcomes of many slips, counted by kind."""

import tempfile
from collections import Counter
from pathlib import Path

from tests.slips.outcome import WORDS, outcome
from tests.slips.seeds import KINDS


def run(slips):
    """[(slip, (word, why))], each in a folder of its own, so that its source can be read again."""
    found = []
    with tempfile.TemporaryDirectory(prefix="slips-") as scratch:
        for number, slip in enumerate(slips):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            found.append((slip, outcome(slip, folder)))
    return found


def table(found):
    """A row a kind, a column an outcome."""
    counts = Counter((slip.kind, word) for slip, (word, _) in found)
    rows = [f"{'':<22}" + "".join(f"{word:>19}" for word in WORDS)]
    for kind in KINDS:
        rows.append(f"{kind:<22}" + "".join(f"{counts[kind, word]:>19}" for word in WORDS))
    rows.append(f"{'all':<22}" + "".join(f"{sum(counts[k, word] for k in KINDS):>19}" for word in WORDS))
    return "\n".join(rows)
