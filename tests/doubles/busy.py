"""A library that hangs and uses the processor, by which it looks as if it worked."""

from __future__ import annotations

import time
from typing import NoReturn


def keep_busy() -> NoReturn:
    """For ever; a fifth of the time, so that what is tested beside it is not held up."""
    while True:
        begun_s = time.process_time()
        while time.process_time() - begun_s < 0.02:
            pass
        time.sleep(0.08)
