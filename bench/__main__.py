"""All measurements of the assistant; the last line is JSON. `python -m bench.<name>` runs one alone."""

from __future__ import annotations

import json
import subprocess
import sys

from assistant.telemetry.machine import describe_machine

NAMES = ("latency", "vision", "emotion", "asr", "wake", "endpointing")


def main() -> None:
    """Run them one after another, each in a process of its own: side by side they would measure each other."""
    machine = describe_machine()
    print(f"Measured on {machine}.")
    results: dict[str, object] = {"machine": str(machine)}
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        results[name] = _run(name)
    print(json.dumps(results, ensure_ascii=False))


def _run(name: str) -> object:
    process = subprocess.Popen([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line
    if process.wait() != 0:
        raise SystemExit(f"bench.{name} failed with exit code {process.returncode}.")
    return json.loads(last)


if __name__ == "__main__":
    main()
