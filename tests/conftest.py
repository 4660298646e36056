"""What every test runs in: a cache of its own for compiled code, so that nothing is left in the user's."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache_of_our_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
