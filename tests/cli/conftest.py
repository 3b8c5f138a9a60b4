"""What the tests of the command share: recordings, and a watch over what is left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.leaks import nothing_left_behind
from tests.doubles.person import Person


@pytest.fixture(autouse=True)
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process, thread or temporary file survives a test."""
    with nothing_left_behind(tmp_path_factory.mktemp("temporary")):
        yield


@pytest.fixture(scope="session")
def spoken(request: pytest.FixtureRequest) -> Person:
    """Recordings of what a person says."""
    return Person(request)
