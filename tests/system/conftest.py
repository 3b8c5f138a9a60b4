"""What takes a machine of its own or the network runs only when it is asked for: `make test-system`."""

from __future__ import annotations

import os

import pytest

WANTED = os.environ.get("SYSTEM_TESTS") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        slow = item.get_closest_marker("system") or item.get_closest_marker("network")
        if slow is not None and not WANTED:
            item.add_marker(pytest.mark.skip(reason="run it with: make test-system"))
