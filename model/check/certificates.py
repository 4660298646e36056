"""What `--certificate DIR` and `--proofs` write: a directory for each proof for any number."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.check.options import Options
from model.errors import CannotSay, MissingTool, UsageError
from model.verdict import Proved

if TYPE_CHECKING:
    from model.verify.result import Result

SECONDS = 300.0  # for the proofs of one certificate, where no --timeout is given
START = 10.0  # for a process to come up, and to notice that its time is over


def ready(options: Options) -> None:
    """Refuse early what could not be written after a long search.

    Raises:
        UsageError: --proofs without --certificate.
        MissingTool: cvc5 is not installed.
    """
    if not options.proofs:
        return
    if options.certificate is None:
        raise UsageError("--proofs goes with --certificate DIR: a proof stands beside the condition that it proves.")
    if importlib.util.find_spec("cvc5") is None:
        raise MissingTool("cvc5 is not installed, and --proofs writes its proofs: pip install 'clearorder[certify]'")


def write_certificates(results: Sequence[Result], options: Options) -> None:
    """One directory a proof: design-property."""
    proved = [r for r in results if r.proof is not None and isinstance(r.verdict, Proved)]
    if not proved:
        raise UsageError("--certificate: nothing was proved for any number, so there is nothing to certify.")
    directory = options.certificate
    assert directory is not None
    directory.mkdir(parents=True, exist_ok=True)
    for result in proved:
        _write(result, directory / f"{result.design}-{result.property}", options)


def _write(result: Result, directory: Path, options: Options) -> None:
    """The conditions are written also where not all of them get a proof, and then that is said."""
    from model.parametric.inference.certificate import write_files

    files, seconds = _contents(result), options.timeout or SECONDS
    proofs, missing = _proofs(files, seconds) if options.proofs else ({}, "")
    write_files(directory, {**files, **proofs})
    if missing:
        raise CannotSay(
            f"{directory} is written without proofs. {missing} after {seconds:g} seconds; --timeout says how long."
        )


def _contents(result: Result) -> dict[str, str]:
    """Files of clauses, or of views."""
    from model.parametric.inference import certificate as of_clauses
    from model.parametric.views import certificate as of_views
    from model.parametric.views.table import Safe

    made = of_views if isinstance(result.proof, Safe) else of_clauses
    return made.contents(result.proof, result.spec, [result.property, *result.lemmas])


def _proofs(files: Mapping[str, str], seconds: float) -> tuple[dict[str, str], str]:
    """What `proofs` returns, from a process of its own: cvc5 does not hear Ctrl-C while it thinks."""
    from model.engines.worker import Aside
    from model.parametric.proofs import proofs

    with Aside(proofs, dict(files), seconds) as aside:
        if not aside.wait(seconds + START):
            return {}, "cvc5 has no proof of some condition"
        found: tuple[dict[str, str], str] = aside.result()
        return found
