"""Who uses the sound library may come and go while the library's thread asks about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from assistant.audio import portaudio

Reopen = Callable[[], None]


@pytest.fixture
def users() -> Iterator[list[Reopen]]:
    users: list[Reopen] = [lambda: None for _ in range(3)]
    yield users
    for user in users:
        portaudio.off_rescan(user)


def test_one_may_go_while_it_is_asked_who_plays(users: list[Reopen]) -> None:
    def go() -> bool:
        portaudio.off_rescan(users[0])
        return False

    for user in users:
        portaudio.on_rescan(user, is_playing=go)
    assert not portaudio.is_playing()


def test_one_may_go_while_it_is_asked_who_else_is_there(users: list[Reopen]) -> None:
    class Asker:
        """Is anybody, who is gone then."""

        def __call__(self) -> None:
            """Nothing to open again."""

        def __eq__(self, user: object) -> bool:
            assert callable(user)
            portaudio.off_rescan(user)
            return True

        __hash__ = object.__hash__

    for user in users:
        portaudio.on_rescan(user)
    assert portaudio.is_alone(Asker())
