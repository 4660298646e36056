"""The code blocks of README and tutorial: designs that a reader saves, and commands with what they print."""

import re
from dataclasses import dataclass

from tests.support.paths import ROOT

SAVED = re.compile(r"[Ss]ave this as\s+`([\w.]+)`[^`]*```python\n(.*?)```", re.S)


@dataclass(frozen=True)
class Document:
    """One text and what stands in its blocks."""

    path: str

    def __str__(self):
        return self.path

    @property
    def text(self):
        return (ROOT / self.path).read_text()

    def blocks(self, language):
        return re.findall(rf"```{language}\n(.*?)```", self.text, re.S)

    @property
    def sessions(self):
        """(command, what it prints) of every block; the text is empty where nothing is shown."""
        pairs = (block.removeprefix("$ ").partition("\n") for block in self.blocks("console"))
        return [(command, shown) for command, _, shown in pairs]

    @property
    def files(self):
        """Name -> text of what the reader is told to save."""
        return dict(SAVED.findall(self.text))

    def save(self, folder):
        for name, text in self.files.items():
            (folder / name).write_text(text)


README, TUTORIAL = Document("README.md"), Document("docs/tutorial.md")
DOCUMENTS = (README, TUTORIAL)
