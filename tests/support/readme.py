"""The code blocks of the README."""

from tests.support.documents import README as DOCUMENT

README = DOCUMENT.text
PYTHON = DOCUMENT.blocks("python")
PYTEST_EXAMPLE = next(text for text in PYTHON if "assert_proved()" in text)


def write_example(folder, test=PYTEST_EXAMPLE):
    """The README's design, and a test beside it."""
    DOCUMENT.save(folder)
    (folder / "test_my_design.py").write_text(test)
