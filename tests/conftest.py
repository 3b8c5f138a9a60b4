"""What every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from assistant.errors import DependencyMissingError, ModelMissingError
from assistant.models.store import ModelStore

REQUIRE_MODELS = "REQUIRE_MODELS"
"""Set to 1, a missing model, or the package that carries one, fails a test instead of skipping it."""


def pytest_configure() -> None:
    # A suite that was put into the background has Ctrl-C ignored, and so would the programs that it types Ctrl-C to.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """The user's own store. A test marked `models` that asks it for a model that is not pulled is skipped, and says
    which: `store.path(...)`, `store.file(...)` or a backend's `create` raising `ModelMissingError` is enough."""
    return ModelStore()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    _skip_without_model(item, (yield))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    _skip_without_model(item, (yield))


def _skip_without_model(item: pytest.Item, outcome: object) -> None:
    """Turn a missing model or package into a skip, for tests that are marked as needing models."""
    error = getattr(outcome, "exception", None)
    wanted = item.get_closest_marker("models") is not None and os.environ.get(REQUIRE_MODELS) != "1"
    if wanted and isinstance(error, (ModelMissingError, DependencyMissingError)):
        outcome.force_exception(pytest.skip.Exception(str(error), _use_item_location=True))  # type: ignore[attr-defined]
