"""What the tests of live cameras share."""

from __future__ import annotations

import pytest


@pytest.fixture
def clean(capfd: pytest.CaptureFixture[str], leaves_nothing: None) -> None:
    """Nothing survives a test: no thread, socket or file. Capturing output opens files, so that is done before."""
