import asyncio
import time

import anyio

from assistant.clock import LoopClock
from assistant.virtual_time import run_in_virtual_time
from assistant.worker import Worker


def test_an_hour_of_sleep_is_instant_and_exact():
    async def main() -> float:
        await anyio.sleep(3600)
        return LoopClock().monotonic_s()

    started = time.monotonic()
    assert run_in_virtual_time(main) == 3600.0
    assert time.monotonic() - started < 60


def test_work_on_a_thread_takes_no_virtual_time():
    async def main() -> tuple[str, float, list[float]]:
        clock, worker, ticks = LoopClock(), Worker("slow model"), []

        async def tick() -> None:
            for _ in range(3):
                await anyio.sleep(0.1)
                ticks.append(round(clock.monotonic_s(), 6))

        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            result = await worker.run(lambda: time.sleep(0.3) or "done")
            done_at_s = clock.monotonic_s()
        worker.close()
        return result, done_at_s, ticks

    assert run_in_virtual_time(main) == ("done", 0.0, [0.1, 0.2, 0.3])


def test_timeouts_expire_in_virtual_time():
    async def main() -> float:
        with anyio.move_on_after(30):
            await anyio.sleep_forever()
        return LoopClock().monotonic_s()

    assert run_in_virtual_time(main) == 30.0


def test_the_loop_ends_without_waiting_for_its_idle_threads():
    async def main() -> str:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: "done")

    # From Python 3.12 on, a loop gives its threads a time to end; in virtual time that must not run out at once.
    assert run_in_virtual_time(main) == "done"
