import threading
import time

import anyio
import pytest

from assistant.errors import StageError
from assistant.worker import Worker


def test_calls_run_one_after_another_on_one_thread_off_the_loop():
    async def main() -> list[str]:
        worker, log = Worker("model"), []

        def call(name: str) -> None:
            log.append(f"{name}+")
            time.sleep(0.01)
            log.append(f"{name}-")
            assert threading.current_thread() is not threading.main_thread()

        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(worker.run, call, name)
        worker.close()
        return log

    assert anyio.run(main) == ["a+", "a-", "b+", "b-", "c+", "c-"]


def test_a_call_that_hangs_is_an_error_that_names_the_stage():
    async def main() -> None:
        worker, release = Worker("recogniser", timeout_s=0.05), threading.Event()
        try:
            await worker.run(release.wait)
        finally:
            release.set()
            worker.close()

    with pytest.raises(StageError, match=r"The recogniser did not answer within 0\.05 s"):
        anyio.run(main)


def test_an_exception_reaches_the_caller():
    async def main() -> None:
        worker = Worker("model")
        try:
            await worker.run(int, "not a number")
        finally:
            worker.close()

    with pytest.raises(ValueError, match="not a number"):
        anyio.run(main)
