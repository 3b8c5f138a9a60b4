"""Voices and their processes, which leave nothing behind."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def clean(dictionaries: None, capfd: pytest.CaptureFixture[str], leaves_nothing: None) -> None:
    """Nothing survives a test. Capturing output opens files, so that is done before."""
