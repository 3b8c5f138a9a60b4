"""Records what this machine's sensors say, as a trace for tests/governor: python -m bench.sensor_trace --out FILE"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from assistant.governor.files import Files
from assistant.governor.sensors import Sensors


class _Noting(Files):
    """Keeps what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, str | None] = {}

    def text(self, path: str) -> str | None:
        """As its parent; a file that is not there is not noted."""
        content = super().text(path)
        if content is not None or (self.root / path).exists():
            self.read[path] = content
        return content


def main() -> None:
    """One line at the start, one for every change after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS")
    options = parser.parse_args()
    files, known = _Noting(), {}
    started_s = time.monotonic()
    with options.out.open("w", encoding="utf-8") as out:
        while (at_s := time.monotonic() - started_s) <= options.seconds:
            Sensors(files).read()
            changed = {path: content for path, content in files.read.items() if known.get(path, "") != content}
            out.write(json.dumps({"at_s": round(at_s, 1), "files": changed}) + "\n")
            out.flush()
            known |= changed
            time.sleep(options.every)


if __name__ == "__main__":
    main()
