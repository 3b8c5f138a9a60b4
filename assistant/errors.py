"""Every error that the assistant raises on purpose.

    AssistantError
    ├── ConfigError (ValueError)        a key or value of the configuration is wrong
    ├── MediaError (ValueError)         a recording, picture or video cannot be used
    ├── DeviceError (OSError)           a microphone, speaker or camera is missing or failed
    ├── ModelError (RuntimeError)       a model cannot be used
    │   ├── ManifestError               a model.toml is wrong
    │   ├── ModelMissingError                it has not been pulled
    │   ├── IntegrityError              its bytes are not those that the manifest names
    │   └── SourceError                 its source cannot be reached or read
    ├── DependencyMissingError (ImportError) an optional package or program is not installed
    ├── StageError (RuntimeError)       a recogniser, synthesiser or other stage failed or hung
    │   └── AnsweredError               it did its part all the same
    ├── NotRunningError (ConnectionError) no assistant runs that could be asked or told
    ├── ControlError (RuntimeError)     the running assistant did not understand, is not ready, or did not answer
    └── AlreadyRunningError (RuntimeError) another assistant uses the same control socket

Each says what happened and carries a `remedy`: what to do next. The command line prints both and exits with the
class's `exit_code`.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of all errors that have a message for the user."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class ConfigError(AssistantError, ValueError):
    """A configuration file, environment override or option is wrong; names the key and what is allowed."""

    exit_code = 2


class MediaError(AssistantError, ValueError):
    """A recording, picture or video is missing, unreadable, empty or of the wrong kind."""

    exit_code = 3


class DeviceError(AssistantError, OSError):
    """A microphone, speaker or camera is missing, cannot be opened or stopped delivering."""

    exit_code = 4


class ModelError(AssistantError, RuntimeError):
    """A model cannot be used."""

    exit_code = 5


class ManifestError(ModelError):
    """A `model.toml` is malformed; names the file and the key."""


class ModelMissingError(ModelError):
    """A model is known but has not been pulled to this machine."""


class IntegrityError(ModelError):
    """A file's SHA-256 or size is not what its manifest names."""


class SourceError(ModelError):
    """A model's source cannot be reached, or its client (pip, npm) is missing or failed."""


class DependencyMissingError(AssistantError, ImportError):
    """An optional Python package or system program is needed for what was asked."""

    exit_code = 6


class NotRunningError(AssistantError, ConnectionError):
    """No assistant runs that could be asked or told, or this user may not do so."""

    exit_code = 8


class ControlError(AssistantError, RuntimeError):
    """The running assistant did not understand, is not ready, or did not answer."""

    exit_code = 9


class AlreadyRunningError(AssistantError, RuntimeError):
    """Another assistant uses the same control socket; names its process."""

    exit_code = 10


class StageError(AssistantError, RuntimeError):
    """A stage of the pipeline raised, hung past its timeout, or its process died.

    One that lacks a model or a program carries the exit code of that.
    """

    exit_code = 7


class AnsweredError(StageError):
    """A stage did something wrong that is to be told and mended, and gave all that it had to give: nothing takes its
    place."""
