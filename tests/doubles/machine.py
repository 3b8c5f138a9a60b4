"""A machine whose sensors follow a recorded trace: a folder in the layout of sysfs and procfs, in the loop's time.

A trace holds a JSON object a line: {"at_s": seconds, "files": {path: content}}. A file that becomes null is there and
does not answer, like a sensor in a part of the chip that is switched off. `python -m bench.sensor_trace` records one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import anyio

TRACES = Path(__file__).parents[1] / "governor" / "traces"


class TracedMachine:
    """`root` is what `assistant.governor.files.Files` reads."""

    def __init__(self, root: Path, trace: str) -> None:
        self.root = root
        self._rows = [json.loads(line) for line in (TRACES / f"{trace}.jsonl").read_text().splitlines()]
        self._write(self._rows[0]["files"])

    async def play(self) -> None:
        """Change the files when the trace does."""
        started_at_s = anyio.current_time()
        for row in self._rows[1:]:
            await anyio.sleep(max(0.0, started_at_s + row["at_s"] - anyio.current_time()))
            self._write(row["files"])

    def _write(self, files: dict[str, str | None]) -> None:
        for name, content in files.items():
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink(missing_ok=True)
                path.mkdir()  # reading it fails, which removing it would not do
            else:
                path.write_text(f"{content}\n")
