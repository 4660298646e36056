"""The executed notebook of the documentation: `python -m tests.support.notebook [FILE]` runs and writes it anew."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient

from tests.support.paths import NOTEBOOK, ROOT


def executed(folder):
    """The notebook after a run of all its cells; the kernel talks over sockets in a folder, not over a network."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kernel = AsyncKernelManager(transport="ipc", ip=str(Path(folder) / "kernel"))
    NotebookClient(notebook, km=kernel, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        nbformat.write(executed(place), sys.argv[1] if sys.argv[1:] else NOTEBOOK)
