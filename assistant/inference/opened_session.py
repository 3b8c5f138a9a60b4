"""A network that was opened, on whatever backend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from assistant.errors import ModelError
from assistant.inference.fallback import EngineError, Fallback
from assistant.ports import InferenceSession, Tensor

_LOG = logging.getLogger(__name__)


class OpenedSession:
    """The `InferenceSession` that `open_session` found, with the steps down that led to it. An engine that fails in the
    middle of the work is replaced by onnxruntime once, and the call repeated."""

    def __init__(
        self,
        session: InferenceSession,
        fallbacks: tuple[Fallback, ...] = (),
        second_choice: Callable[[Fallback], OpenedSession] | None = None,
    ) -> None:
        self.fallbacks = fallbacks
        self._second_choice = second_choice
        self._use(session)

    @property
    def reason(self) -> Fallback | None:
        """Why this is no engine, None if it is one."""
        return self.fallbacks[0] if self.fallbacks else None

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name, valid until the next call. Raises `ModelError`."""
        try:
            return self._session.run(feeds)
        except EngineError as error:
            if self._second_choice is None:
                raise
            self._replace(self._second_choice(error.fallback))
            return self._session.run(feeds)

    def close(self) -> None:
        """Free it; safe to call twice."""
        self._session.close()

    def _use(self, session: InferenceSession) -> None:
        self._session = session
        self.inputs, self.outputs, self.backend = session.inputs, session.outputs, session.backend

    def _replace(self, other: OpenedSession) -> None:
        failed = self._session
        self._use(other._session)
        self._second_choice = None
        self.fallbacks += other.fallbacks
        try:
            failed.close()
        except ModelError as error:  # a GPU that failed may also fail to give memory back
            _LOG.warning("The failed engine cannot be freed: %s", error)
