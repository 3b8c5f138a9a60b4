"""Building engines while nobody waits for them: one after another, each compilation in a process of low priority."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assistant.child.launcher import python_command
from assistant.errors import AssistantError
from assistant.inference.engine_build import compile_bundle
from assistant.inference.engine_options import CompileOptions
from assistant.inference.loader import RebuildRequest
from assistant.inference.stack import find_stack

_LOG = logging.getLogger(__name__)
_NICENESS = 15


class BackgroundRebuilds:
    """What `open_session(rebuild=…)` may be given. A new engine is used from the next start on."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rebuild")
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def __call__(self, request: RebuildRequest) -> None:
        """Queue it and return."""
        self._thread.submit(self._compile, request)

    def wait(self) -> None:
        """Return when everything that was asked for is done."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Forget what is queued and kill what runs; its own children die with it. Safe to call twice."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        self._thread.shutdown(cancel_futures=True)

    def _compile(self, request: RebuildRequest) -> None:
        order = {
            "bundle": str(request.bundle),
            "cache": str(request.cache),
            "options": request.options.as_json(),
            "stack": request.stack.name,
        }
        with self._lock:
            if self._closed:
                return
            self._child = subprocess.Popen(
                python_command(__name__),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal is for the assistant, which then closes this
            )
        with self._child as child:
            _, noise = child.communicate(json.dumps(order).encode())
        if child.returncode != 0 and not self._closed:
            _LOG.warning("The engine of %s was not built: %s", request.bundle, noise.decode(errors="replace").strip())


def main() -> int:
    """`python -m assistant.inference.rebuild`: one compilation."""
    os.nice(_NICENESS)
    order = json.load(sys.stdin)
    options = CompileOptions.from_json(order["options"])
    try:
        report = compile_bundle(Path(order["bundle"]), Path(order["cache"]), options, stack=find_stack(order["stack"]))
    except AssistantError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if not report.ok:
        sys.stderr.write(f"{report.choice.reason}\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
