"""`python -m tests.slips [N]`: N designs with one slip each (300), and what became of them.

Exit code 1 where one passed in silence.
"""

import sys

from tests.slips.seeds import COUNT, chosen
from tests.slips.table import run, table


def main(words):
    """Print the table, then by name what is safe all the same, left open or silent."""
    found = run(chosen(int(words[0]) if words else COUNT))
    print(table(found))
    for word in ("safe all the same", "left open", "SILENT"):
        for slip, (outcome, why) in found:
            if outcome == word:
                print(f"{word}: {slip.name} ({slip.property}: {why})")
    return int(any(outcome == "SILENT" for _, (outcome, _) in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
