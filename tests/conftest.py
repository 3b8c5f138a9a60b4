"""What every test may use."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from assistant.errors import DependencyMissingError, ModelMissingError
from assistant.models.store import ModelStore
from tests import workers
from tests.doubles.leaks import nothing_left

REQUIRE_MODELS = "REQUIRE_MODELS"
"""Set to 1, a missing model, or the package that carries one, fails a test instead of skipping it."""


def pytest_configure() -> None:
    # A suite that was put into the background has Ctrl-C ignored, and so would the programs that it types Ctrl-C to.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if workers.is_worker():
        workers.put_in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return workers.scheduler(config, log)


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """The user's own store. A test marked `models` that asks it for a model that is not pulled is skipped, and says
    which: `store.path(...)`, `store.file(...)` or a backend's `create` raising `ModelMissingError` is enough."""
    return ModelStore()


@pytest.fixture(scope="module")
def collected_in_the_end() -> Iterator[None]:
    """What `little_to_collect` has set aside is looked at again after the module."""
    yield
    gc.unfreeze()


@pytest.fixture
def little_to_collect(collected_in_the_end: None) -> None:
    """The search for what was left open collects garbage after every test; all that is there before it is none. Before
    each test anew: what the first one has imported is as much as all that a test makes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def dictionaries() -> None:
    """Those of the English voice, which are opened once a process and stay open."""
    from assistant.tts.english import front_end

    front_end()


@pytest.fixture
def leaves_nothing(little_to_collect: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No task, thread, process, open file or temporary file of the test survives it. A folder whose tests run whole
    assistants has an automatic fixture that asks for this one."""
    with nothing_left(tmp_path_factory.mktemp("temporary")):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    if workers.is_worker():
        workers.yield_to_live(item)
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
