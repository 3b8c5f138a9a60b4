import asyncio
import functools
import subprocess
import sys
import threading
import time
import weakref

import anyio
import pytest

from assistant.errors import MediaError, StageError
from assistant.worker import Worker, closed_workers_ended


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


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: int("not a number"), StageError, "The model failed: ValueError"),
        (lambda: sys.exit(0), StageError, "The model failed: SystemExit"),
        (lambda: next(iter(())), StageError, "The model failed: StopIteration"),
        (lambda: _raise(KeyboardInterrupt()), StageError, "The model failed: KeyboardInterrupt"),
        (lambda: _raise(asyncio.CancelledError()), StageError, "The model failed: CancelledError"),
        (lambda: _raise(MediaError("No picture.")), MediaError, "No picture."),
    ],
)
def test_what_a_library_raises_becomes_a_stage_error_and_our_own_errors_stay(call, kind, message):
    async def main() -> None:
        worker = Worker("model")
        try:
            with anyio.fail_after(60.0):
                await worker.run(call)
        finally:
            worker.close()

    with pytest.raises(kind, match=message):
        anyio.run(main)


def test_while_a_call_hangs_further_ones_are_refused_at_once_and_later_ones_work():
    async def main() -> list[str]:
        worker, release, told = Worker("model", timeout_s=0.05), threading.Event(), []
        for call in (release.wait, lambda: "unreachable"):
            try:
                await worker.run(call)
            except StageError as error:
                told.append(error.message)
        release.set()
        await works_again(worker)
        worker.close()
        return told

    assert anyio.run(main) == [
        "The model did not answer within 0.05 s.",
        "The model still hangs in an earlier call.",
    ]


def test_a_call_that_hangs_does_not_keep_the_process_from_ending():
    script = (
        "import anyio, time\nfrom assistant.worker import Worker\n"
        "async def main():\n    try: await Worker('model', timeout_s=0.05).run(time.sleep, 600)\n"
        "    except Exception as error: print(error)\nanyio.run(main)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "did not answer" in ended.stdout


def test_a_closed_worker_refuses_at_once():
    async def main() -> None:
        worker = Worker("model")
        worker.close()
        await worker.run(int)

    with pytest.raises(StageError, match="has been closed"):
        anyio.run(main)


async def works_again(worker: Worker) -> None:
    """Return once it takes a call, some time after the one that hung has been let go."""
    with anyio.fail_after(60.0):
        while True:
            try:
                return await worker.run(int)
            except StageError:
                await anyio.sleep(0.01)


def _raise(error: BaseException) -> None:
    raise error


def test_the_process_ends_quietly_while_a_call_goes_on():
    """As with Ctrl-C while networks load: the call returns before the interpreter goes, and nothing is aborted."""
    script = (
        "import anyio, threading, time\nfrom assistant.worker import Worker\n"
        "begun, ends = threading.Event(), threading.Event()\n"
        "def call():\n"
        "    begun.set()\n    ends.wait()\n    time.sleep(0.5)\n    print('returned', flush=True)\n"
        "async def main():\n"
        "    async with anyio.create_task_group() as group:\n"
        "        group.start_soon(Worker('model').run, call)\n"
        "        await anyio.to_thread.run_sync(begun.wait)\n"
        "        group.cancel_scope.cancel()\n"
        "    print('ends', flush=True)\n    ends.set()\nanyio.run(main)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout.split(), ended.stderr) == (["ends", "returned"], "")


def test_whether_the_last_calls_of_closed_workers_have_ended_is_known():
    async def main() -> None:
        worker, release = Worker("model", timeout_s=0.05), threading.Event()
        with pytest.raises(StageError, match="did not answer"):
            await worker.run(release.wait)
        assert closed_workers_ended(0.0), "one that still works for somebody does not count"
        worker.close()
        assert not closed_workers_ended(0.1)
        assert closed_workers_ended(0.0), "nobody waits for the same one again"
        another, returns = Worker("another"), threading.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(another.run, returns.wait)
            await anyio.lowlevel.checkpoint()
            another.close()
            returns.set()
        assert closed_workers_ended(10.0)
        release.set()

    anyio.run(main)


def test_what_must_be_done_some_time_does_not_call_the_call_before_it_hung():
    """As the microphone is given back while the speaker opens slowly: the one is not to blame the other."""

    async def main() -> None:
        worker, slow, done = Worker("model", timeout_s=60.0), threading.Event(), threading.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, slow.wait)
            await anyio.lowlevel.checkpoint()
            await worker.finish_within(0.05, done.set)
            assert not worker.hangs and not done.is_set()
            slow.set()
        await worker.run(int)
        assert done.is_set()

    anyio.run(main)


def test_what_must_be_done_some_time_is_waited_for_no_longer_than_its_timeout():
    async def main() -> None:
        worker, release = Worker("model", timeout_s=60.0), threading.Event()
        await worker.finish_within(0.05, release.wait)
        assert worker.hangs
        await worker.finish_within(60.0, int)
        release.set()
        await works_again(worker)
        assert not worker.hangs

    anyio.run(main)


@pytest.mark.parametrize("gives_up", [False, True], ids=["too slow", "cancelled"])
def test_the_last_call_is_made_though_nobody_waits_for_it_any_more(gives_up: bool):
    async def main() -> None:
        worker, slow, done = Worker("model"), threading.Event(), threading.Event()
        with anyio.move_on_after(0.05):
            await worker.run(slow.wait)
        with anyio.move_on_after(0.05 if gives_up else None):
            await worker.end_with(done.set, timeout_s=60.0 if gives_up else 0.05)
        assert not done.is_set()
        slow.set()
        await anyio.to_thread.run_sync(worker.ended, 60.0)
        assert done.is_set()

    anyio.run(main)


def test_a_closed_worker_queues_nothing_that_it_will_never_do():
    async def main() -> None:
        worker = Worker("model")
        await worker.end_with(int)
        call = functools.partial(int)
        kept = weakref.ref(call)
        worker.begin(call)
        del call
        assert kept() is None

    anyio.run(main)
