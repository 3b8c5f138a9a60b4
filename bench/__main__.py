"""All measurements of the assistant; the last line is JSON. `python -m bench.<name>` runs one alone.

One that fails does not keep the others from being measured: its part of the JSON has an "error", and the exit code is
1.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from assistant.telemetry.machine import describe_machine
from bench.revision import revision

NAMES = ("latency", "vision", "emotion", "asr", "wake", "endpointing")


def main() -> int:
    """Run them one after another, each in a process of its own: side by side they would measure each other."""
    machine, commit = str(describe_machine()), revision()
    print(f"Measured on {machine}, at commit {commit}.")
    results: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        results[name] = _run(name)
    failed = [name for name, result in results.items() if "error" in result]
    if failed:
        print(f"\nFailed: {', '.join(failed)}.")
    print(json.dumps({"machine": machine, "commit": commit, **results}, ensure_ascii=False))
    return int(bool(failed))


def _run(name: str) -> dict[str, Any]:
    """What it measured, and an "error" where it ended otherwise than it should; why is on the terminal."""
    last = ""
    with subprocess.Popen([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line
    result = _object(last)
    if process.returncode:
        return {**(result or {}), "error": f"bench.{name} ended with exit code {process.returncode}."}
    return {"error": f"The last line of bench.{name} is no JSON object: {last.strip()!r}"} if result is None else result


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object; None where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


if __name__ == "__main__":
    sys.exit(main())
