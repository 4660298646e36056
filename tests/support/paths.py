"""Where things are, for tests in any folder."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
GOLDEN = ROOT / "tests" / "reports" / "golden"
NOTEBOOK = ROOT / "docs" / "from_python.ipynb"
