"""What every test runs in: a cache of its own for compiled code, and workers that share what is costly to make."""

import gc

import pytest

# files that ask for the same costly thing, which is kept for each process: they run in one worker
TOGETHER = {
    "tests/engines/test_agreement.py": "the sample of random designs",
    "tests/engines/packed/test_native.py": "the sample of random designs",
    "tests/engines/packed/test_reductions.py": "the sample of random designs",
    "tests/engines/packed/test_symmetry.py": "the sample of random designs",
    "tests/commands/test_certify.py": "proofs for any number",
    "tests/commands/test_certify_proofs.py": "proofs for any number",
    "tests/parametric/test_prove.py": "proofs for any number",
    "tests/parametric/views/test_certificate.py": "proofs for any number",
    "tests/parametric/views/test_decide.py": "proofs for any number",
    "tests/reports/test_pack.py": "the answer to the discussion",
    "tests/studies/test_discussion_2019.py": "the answer to the discussion",
}


@pytest.fixture(scope="session", autouse=True)
def cache_of_our_own(tmp_path_factory):
    """Nothing is left in the user's own cache. Commands in processes of their own keep what they compile of our
    modules, whatever the environment says: some eighty of them are started, and each would compile all of it again.
    (Where a file may not grow, `python -B`: Python would keep the half of a module.)
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


def pytest_collection_finish():
    """What was imported and collected lives as long as the run: the collector of garbage need not go through it.

    And expressions live as long as the process, so that most of what is new is no garbage either.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n`, whole files go to a worker, unless `--dist` says otherwise."""
    from xdist.scheduler import LoadFileScheduling

    class WholeFiles(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return WholeFiles(config, log) if config.getvalue("dist") == "load" else None
