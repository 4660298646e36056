"""The code blocks of the README."""

import re

from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SESSIONS = [text for language, text in BLOCKS if language == "console"]
PYTEST_EXAMPLE = next(text for text in PYTHON if "assert_proved()" in text)


def write_example(folder, test=PYTEST_EXAMPLE):
    """The README's design, and a test beside it."""
    (folder / "my_design.py").write_text(PYTHON[0])
    (folder / "test_my_design.py").write_text(test)
