import anyio

from assistant.streams import DropOldest, Latest


def test_drop_oldest_keeps_the_newest_and_counts():
    async def main() -> tuple[list[int], int]:
        stream: DropOldest[int] = DropOldest(3)
        for item in range(10):
            stream.put(item)
        stream.close()
        return [item async for item in stream], stream.dropped

    assert anyio.run(main) == ([7, 8, 9], 7)


def test_drop_oldest_wakes_its_waiting_consumer():
    async def main() -> list[str]:
        stream: DropOldest[str] = DropOldest(8)
        taken: list[str] = []

        async def consume() -> None:
            taken.extend([item async for item in stream])

        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            await anyio.lowlevel.checkpoint()
            stream.put("a")
            await anyio.lowlevel.checkpoint()
            stream.put("b")
            stream.close()
        return taken

    assert anyio.run(main) == ["a", "b"]


def test_latest_skips_what_nobody_took():
    async def main() -> list[int]:
        latest: Latest[int] = Latest()
        latest.put(1)
        latest.put(2)
        first, version = await latest.after(0)
        latest.put(3)
        second, _ = await latest.after(version)
        return [first, second]

    assert anyio.run(main) == [2, 3]
