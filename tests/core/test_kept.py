"""What is kept from one assistant to the next, and when it is let go."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import pytest

from assistant.kept import Kept, file_identity


class Network:
    """Something that takes long to load."""


def test_what_is_made_from_the_same_is_loaded_once() -> None:
    kept, loads = Kept(), []
    with kept.keeping():
        first = kept.get("ears", ("a", 1), lambda: loads.append("a") or Network())
        assert kept.get("ears", ("a", 1), lambda: loads.append("again") or Network()) is first
        assert kept.get("eyes", ("a", 1), lambda: loads.append("eyes") or Network()) is not first
    assert loads == ["a", "eyes"]


def test_it_is_let_go_before_something_else_takes_its_place() -> None:
    kept = Kept()
    with kept.keeping():
        old = weakref.ref(kept.get("ears", "small", Network))
        assert old() is not None

        def load() -> Network:
            assert old() is None, "both would have to fit into the memory"
            return Network()

        kept.get("ears", "large", load)


def test_what_cannot_be_loaded_leaves_nothing_behind() -> None:
    kept = Kept()

    def fail() -> Network:
        raise ValueError("broken")

    with kept.keeping():
        with pytest.raises(ValueError, match="broken"):
            kept.get("ears", "broken", fail)
        assert isinstance(kept.get("ears", "broken", Network), Network)


def test_what_an_assistant_does_not_ask_for_is_let_go_once_it_has_started() -> None:
    kept = Kept()
    with kept.keeping():
        eyes, ears = weakref.ref(kept.get("eyes", 1, Network)), weakref.ref(kept.get("ears", 1, Network))
        with pytest.raises(ValueError, match="no microphone"), kept.starting():
            raise ValueError("no microphone")
        assert eyes() is not None and ears() is not None, "the one of before comes back"
        with kept.starting():
            kept.get("ears", 1, Network)
        assert eyes() is None and ears() is not None


def test_outside_of_a_service_nothing_is_kept() -> None:
    kept = Kept()
    assert kept.get("ears", 1, Network) is not kept.get("ears", 1, Network)
    with kept.keeping():
        inside = kept.get("ears", 1, Network)
    assert kept.get("ears", 1, Network) is not inside


def test_a_file_that_was_replaced_is_another(tmp_path: Path) -> None:
    folder, model = tmp_path / "model", tmp_path / "model" / "model.bin"
    assert file_identity(folder) is None
    folder.mkdir()
    model.write_bytes(b"one")
    before = file_identity(model), file_identity(folder)
    assert before == (file_identity(model), file_identity(folder))
    other = tmp_path / "other"
    other.write_bytes(b"two")
    os.utime(other, ns=(model.stat().st_mtime_ns, model.stat().st_mtime_ns))
    other.replace(model)
    after = file_identity(model), file_identity(folder)
    assert after[0] != before[0] and after[1] != before[1]
