"""What the running assistant's networks run on: an engine where this machine has one for a network's bundle, else
onnxruntime; and why.

A process has one GPU to build engines for, so there is one of these a process, `ENGINES`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from assistant.config import InferenceConfig
from assistant.errors import ModelError
from assistant.inference.fallback import Fallback, FallbackReason
from assistant.kept import KEPT, file_identity

if TYPE_CHECKING:
    from assistant.inference.loader import RebuildRequest, SessionOptions
    from assistant.inference.opened_session import OpenedSession
    from assistant.inference.rebuild import BackgroundRebuilds
    from assistant.inference.stack import DeviceStack

_LOG = logging.getLogger(__name__)
_OF_THE_MACHINE = {
    FallbackReason.CONFIGURED,
    FallbackReason.NO_DRIVER,
    FallbackReason.NO_TENSORRT,
    FallbackReason.TENSORRT_TOO_OLD,
}
"""The same for every network: said once."""
_PASSING = {FallbackReason.OUT_OF_MEMORY, FallbackReason.CUDA_FAILED}
"""No file changes for them to pass, so they are counted."""


def default_bundles() -> Path:
    """Where bundles are looked for: beside the state folder that systemd hands a service, else in the user's data.

    The service's belong to root, as its models do, and its unit that builds engines takes them from there.
    """
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return (Path(from_systemd).parent if from_systemd else platformdirs.user_data_path("edge-assistant")) / "bundles"


class Engines:
    """Opens networks, remembers what each runs on, and builds missing engines while nobody waits."""

    def __init__(self, stack: DeviceStack | None = None, options: SessionOptions | None = None) -> None:
        """`stack` is the machine, None for this one; `options` what is not in the configuration."""
        self._stack = stack
        self._options = options
        self._lock = threading.Lock()
        self._said: set[FallbackReason] = set()
        self._running_on: dict[str, str] = {}
        self._mishaps: Counter[str] = Counter()
        """Recipe → how often an engine failed for a reason that may have passed by the next time."""
        self._builds: BackgroundRebuilds | None = None

    def open(
        self,
        config: InferenceConfig,
        recipe: str,
        model: Path,
        *,
        threads: int = 1,
        keep_memory: bool = False,
        outputs: tuple[str, ...] = (),
    ) -> OpenedSession:
        """The network that the export recipe `recipe` makes a bundle of: from its bundle, if there is one in
        `config.bundles`, else `model`, an ONNX file, on onnxruntime. The options are `OnnxRuntimeSession`'s.

        Raises `ModelError` when not even onnxruntime takes it.
        """
        from assistant.inference.loader import SessionOptions, open_session
        from assistant.inference.stack import SYSTEM

        options = replace(
            self._options or SessionOptions(),
            backend=config.backend,
            threads=threads,
            keep_memory=keep_memory,
            outputs=outputs,
        )
        stack = self._stack or SYSTEM

        def opened(path: Path) -> OpenedSession:
            return open_session(
                path, options, stack=stack, on_fallback=lambda step: self._note(recipe, step), rebuild=self._rebuild
            )

        bundle = (config.bundles or default_bundles()) / recipe

        def best() -> OpenedSession:
            try:
                if bundle.is_dir():
                    return opened(bundle)
            except (ModelError, OSError) as error:
                _LOG.warning("%s: its bundle cannot be used: %s", recipe, error)
            return opened(model)

        # An engine that was built meanwhile makes a difference too, and one that failed is tried again.
        files = (bundle, model, options.cache / recipe)
        made_from = (repr(options), files, tuple(map(file_identity, files)), self._mishaps[recipe])
        session = KEPT.get(recipe, made_from, best)
        because = f": {session.reason}" if session.reason else ""
        self._running_on[recipe] = f"{session.backend}{because}"
        return session

    def running_on(self) -> Mapping[str, str]:
        """Network → "tensorrt", or "onnxruntime: " and why."""
        return dict(self._running_on)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Inside, engines that are missing are built in the background, for the next start; at the end what is being
        built is given up. Outside, they are only missed: a command that looks at one picture builds nothing."""
        from assistant.inference.rebuild import BackgroundRebuilds

        builds = BackgroundRebuilds()
        with self._lock:
            self._builds = builds
        try:
            yield
        finally:
            with self._lock:
                self._builds = None
            builds.close()

    def _rebuild(self, request: RebuildRequest) -> None:
        with self._lock:
            if self._builds is not None:
                self._builds(request)

    def _note(self, recipe: str, step: Fallback) -> None:
        """Also called when an engine fails in the middle of the work."""
        self._running_on[recipe] = f"onnxruntime: {step}"
        self._mishaps[recipe] += step.reason in _PASSING
        if step.reason not in _OF_THE_MACHINE:
            _LOG.warning("%s runs on onnxruntime (%s): %s", recipe, step.reason.value, step)
        elif step.reason not in self._said:
            self._said.add(step.reason)
            _LOG.info("Networks run on onnxruntime (%s): %s", step.reason.value, step)


ENGINES = Engines()
