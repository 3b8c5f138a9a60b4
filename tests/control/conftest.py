"""Servers and their clients, which leave nothing behind."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def clean(leaves_nothing: None) -> None:
    """Nothing survives a test."""
