"""A server with keys, one for all files of tests that need it."""

from collections.abc import Iterator

import pytest

from tests.server.gate.keyed import Keyed, running_keyed


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with running_keyed(tmp_path_factory.mktemp("keyed")) as keyed:
        yield keyed
