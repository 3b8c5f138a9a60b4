"""What a command that goes through many files says of those that it could not read."""

from __future__ import annotations

import typer

from assistant.errors import AssistantError, MediaError


def tell_left_out(errors: list[AssistantError], what: str, done: str) -> None:
    """One is the command's own error; of several, each has its line first. `what` they are ("photos"), and what was
    `done` with the others ("described")."""
    if len(errors) == 1:
        raise errors[0]
    for error in errors:
        typer.echo(f"left out: {error}", err=True)
    if errors:
        raise MediaError(
            f"{len(errors)} {what} could not be read; the others are {done}.",
            remedy='The lines that begin with "left out" say which, and what to do about each.',
        )
