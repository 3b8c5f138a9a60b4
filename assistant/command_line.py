"""What every command of ours does with what goes wrong: one message, one remedy, one exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable

from assistant.errors import AssistantError


def run(app: Callable[[], object]) -> None:
    """Run a command, such as a Typer application: every expected failure becomes one message and an exit code, a
    traceback only with --debug."""
    _survive_any_terminal()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output is gone; the interpreter must not complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if _interrupted(error):
            sys.exit(130)
        leaf = _leaf(error)
        if "--debug" in sys.argv or not isinstance(leaf, (AssistantError, OSError)):
            raise
        sys.exit(_report(leaf))
    except BaseException as error:
        if _cancelled(error):
            sys.exit(130)
        raise


def _survive_any_terminal() -> None:
    """A terminal without Chinese or a tick gets them as escapes: no character is worth a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C is behind it: a library that is being loaded in that moment fails, and says so in its own way."""
    cause = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt) or (cause is not None and _interrupted(cause))


def _cancelled(error: BaseException) -> bool:
    """Whether it is what `anyio.run` makes of Ctrl-C on Python 3.10, whose tasks cannot be uncancelled. By its name:
    asyncio is not loaded for commands that do without."""
    return type(error).__name__ == "CancelledError"


def _leaf(error: BaseException) -> BaseException:
    """What really happened: a failure in one of several tasks arrives wrapped in groups."""
    while inner := getattr(error, "exceptions", None):
        error = inner[0]
    return error


def _report(error: AssistantError | OSError) -> int:
    """Tell what happened and what to do; the result is the exit code."""
    if isinstance(error, AssistantError):
        _complain(error.message, error.remedy)
        return error.exit_code
    where = f": {error.filename}" if error.filename else ""
    remedy = "Free some space and run it again; nothing half-written was left." if error.errno == errno.ENOSPC else None
    _complain(f"{error.strerror or error}{where}.", remedy)
    return 1


def _complain(message: str, remedy: str | None) -> None:
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[bold red]Error:[/]", end=" ")
    console.print(message, markup=False)
    if remedy:
        console.print(remedy, markup=False)
