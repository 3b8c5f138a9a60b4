"""Killed processes, two processes at once, full disks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.errors import ModelError
from tests.doubles.model_shelf import Shelf, member, pinned

DEADLINE_S = 30.0


def child(shelf: Shelf, script: str) -> subprocess.Popen[str]:
    """A process with `store`, a store on the shelf."""
    prelude = f"""
        import os, signal, sys
        from pathlib import Path
        from assistant.models.store import ModelStore
        from assistant.models.progress import NoProgress
        store = ModelStore(Path({str(shelf.root)!r}), manifests=Path({str(shelf.manifests)!r}))
    """
    code = textwrap.dedent(prelude) + textwrap.dedent(script)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def wait_for(path: Path) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < deadline_s, f"{path} did not appear"
        time.sleep(0.01)


def kill_myself(source: Path, target: Path) -> None:
    """A converter whose process is killed while it writes, once: the file beside the source says that it was."""
    target.write_bytes(b"half")
    witness = Path(os.environ["KILL_WITNESS"])
    if not witness.exists():
        witness.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    target.write_bytes(source.read_bytes())


@pytest.fixture
def killed_while_converting(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose pull was killed in the middle of a conversion; the result is the archive that it had fetched."""
    monkeypatch.setenv("KILL_WITNESS", str(shelf.folder / "witness"))
    archive = shelf.zip("a.zip", {"graph": b"g" * 100_000})
    file = {"name": "m.onnx", "convert": f"{__name__}:kill_myself", "from": ["graph"]}
    shelf.model("thing", [pinned(archive)], [file])
    killed = child(shelf, f"sys.path[:0] = [{str(Path(__file__).parent)!r}, '.']; store.pull('thing')")
    killed.communicate(timeout=DEADLINE_S)
    assert killed.returncode == -signal.SIGKILL
    return archive


def test_a_pull_killed_while_converting_leaves_a_store_that_pulls_again(
    shelf: Shelf, killed_while_converting: Path
) -> None:
    assert any((shelf.root / ".staging").iterdir())
    store = shelf.store()
    assert store.state("thing").state == "missing"
    store.pull("thing")
    store.verify("thing")
    assert {path.name for path in shelf.root.iterdir()} <= {"thing", ".lock", ".staging"}
    assert not any((shelf.root / ".staging").iterdir())


def test_a_pull_killed_while_fetching_leaves_a_store_that_pulls_again(shelf: Shelf) -> None:
    shelf.simple("thing")
    killed = child(
        shelf,
        """
        class Progress(NoProgress):
            def task(self, title, total):
                os.kill(os.getpid(), signal.SIGKILL)
        store.pull("thing", Progress())
        """,
    )
    killed.communicate(timeout=DEADLINE_S)
    assert killed.returncode == -signal.SIGKILL
    shelf.store().pull("thing")
    shelf.store().verify("thing")


def test_what_a_killed_pull_had_fetched_is_not_fetched_again(shelf: Shelf, killed_while_converting: Path) -> None:
    killed_while_converting.unlink()
    shelf.store().pull("thing")
    shelf.store().verify("thing")


def test_a_leftover_archive_is_verified_like_any_other(shelf: Shelf, killed_while_converting: Path) -> None:
    (leftover,) = (shelf.root / ".archives").iterdir()
    leftover.write_bytes(b"altered meanwhile")
    with pytest.raises(ModelError, match="is not what was expected"):
        shelf.store().pull("thing")
    shelf.store().pull("thing")


def test_two_processes_at_once_install_one_good_model(shelf: Shelf) -> None:
    shelf.simple("thing", os.urandom(2_000_000))
    script = """
        class Progress(NoProgress):
            def task(self, title, total):
                print("fetched", title, flush=True)
                return super().task(title, total)
        store.pull("thing", Progress())
        store.verify("thing")
    """
    processes = [child(shelf, script) for _ in range(3)]
    results = [process.communicate(timeout=DEADLINE_S) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    assert sum(output.count("fetched ") for output, _ in results) == 1


def test_a_second_process_waits_and_says_so(shelf: Shelf) -> None:
    shelf.simple("thing")
    holder = child(
        shelf,
        """
        from assistant.models.changes import changing
        with changing(store.root, NoProgress()):
            Path(store.root, "held").touch()
            sys.stdin.read()
        """,
    )
    wait_for(shelf.root / "held")
    waiter = child(
        shelf,
        """
        class Progress(NoProgress):
            def note(self, text):
                print(text)
                Path(store.root, "waiting").touch()
        store.pull("thing", Progress())
        """,
    )
    wait_for(shelf.root / "waiting")
    assert not (shelf.root / "thing").exists()
    holder.communicate("", timeout=DEADLINE_S)
    output, errors = waiter.communicate(timeout=DEADLINE_S)
    assert waiter.returncode == 0, errors
    assert "Another process is changing the model store" in output
    shelf.store().verify("thing")


@pytest.fixture
def small_disk(shelf: Shelf) -> Iterator[Path]:
    """A filesystem of 24 MB under the store."""
    shelf.root.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("a disk that fills up needs root, to mount one")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(shelf.root)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"a disk that fills up cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield shelf.root
    subprocess.run(["umount", str(shelf.root)], check=True)


def test_a_model_that_the_disk_cannot_hold_is_refused_before_it_is_fetched(shelf: Shelf, small_disk: Path) -> None:
    content = os.urandom(15_000_000)
    shelf.simple("thing", content)
    with pytest.raises(ModelError, match=r"The disk is full: 'thing' needs about 30 MB"):
        shelf.store().pull("thing")
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_disk_that_fills_up_is_left_as_it_was(shelf: Shelf, small_disk: Path) -> None:
    archive = shelf.zip("a.zip", {"x": os.urandom(15_000_000)})
    shelf.model("thing", [{"uri": f"file:{archive}"}], [{"name": "x", "member": "x"}])
    with pytest.raises(ModelError, match="The disk is full"):
        shelf.store().pull("thing")
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name != ".lock"]
    small = shelf.zip("b.zip", {"x": b"fits"})
    shelf.model("small", [pinned(small)], [member("x", "x", b"fits")])
    shelf.store().pull("small")
