"""That the sound server has other devices than before, or has put one in the place of another, as it tells by itself.

`pactl subscribe` waits for that without using the processor.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from typing import IO

import anyio

from assistant.audio.sound_server import environment

# Killed with this process, however that ends: by itself it would live on for as long as the server.
_COMMAND = ("setpriv", "--pdeathsig", "KILL", "pactl", "subscribe")

_MATTERS = re.compile(rb"Event '(change' on (server|source-output)|(new|remove)' on (source|sink)) #")
"""Others are chosen, a recording is moved, a device comes or goes. No event of a client, as each question to the server
makes them, nor of how a device is, which changes with every volume: to look for these would make the next."""

_AGAIN_S, _AGAIN_AT_MOST_S = 1.0, 60.0
"""How soon it is started again when it has ended; each time later, unless it has lasted."""


async def tell_changes(changed: Callable[[], None]) -> None:
    """Call `changed` whenever something may be another way than before, until this is cancelled. Where `pactl`, or
    `setpriv`, is missing it does little more than wait."""
    pause_s = _AGAIN_S
    while True:
        began_s = anyio.current_time()
        await _listen(changed)
        if anyio.current_time() - began_s > _AGAIN_AT_MOST_S:
            pause_s = _AGAIN_S
        await anyio.sleep(pause_s)
        pause_s = min(2.0 * pause_s, _AGAIN_AT_MOST_S)
        changed()  # nobody has listened meanwhile


async def _listen(changed: Callable[[], None]) -> None:
    """Until `pactl` ends, as it does with the server, or cannot be started."""
    try:
        # asyncio's own would have a thread wait for its end, before Python 3.12.
        process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            _COMMAND,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the assistant
        )
    except OSError:
        return
    with process:
        assert process.stdout is not None
        try:
            await _read(process.stdout, changed)
        finally:
            process.kill()


async def _read(pipe: IO[bytes], changed: Callable[[], None]) -> None:
    """Until it ends."""
    lines = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(lines)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    try:
        async for line in lines:
            if _MATTERS.match(line):
                changed()
    finally:
        transport.close()
