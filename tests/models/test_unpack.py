"""Archives that nobody has vouched for: what is refused, and that nothing is written outside the named targets."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from assistant.errors import IntegrityError
from assistant.models.unpack import members_below, unpack


def make_zip(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def make_tar(path: Path, *entries: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return path


def tar_link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_named_members_are_written_where_the_caller_says(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a", ("./inner/one.txt", b"one"), ("inner/two.txt", b"two"))
    unpack(archive, {"inner/one.txt": tmp_path / "out" / "1"}, max_bytes=10)
    assert (tmp_path / "out" / "1").read_bytes() == b"one"
    assert files_below(tmp_path) == {"a", "out", "out/1"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("evil", ["../evil", "inner/../../evil", "/etc/evil", "inner\\..\\evil"])
def test_an_archive_with_an_unsafe_path_is_refused_whole(tmp_path: Path, make, evil: str) -> None:
    archive = make(tmp_path / "a", (evil, b"bad"), ("good", b"good"))
    with pytest.raises(IntegrityError, match="unsafe path"):
        unpack(archive, {"good": tmp_path / "good"}, max_bytes=100)
    assert files_below(tmp_path) == {"a"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_no_files(tmp_path: Path, kind: bytes) -> None:
    archive = make_tar(tmp_path / "a", ("real", b"x"), tar_link("folder/weights", "/etc/passwd", kind))
    with pytest.raises(IntegrityError, match="link, folder or device"):
        unpack(archive, {"folder/weights": tmp_path / "out"}, max_bytes=100)
    with pytest.raises(IntegrityError, match="link or device"):
        members_below(archive, "folder")
    assert files_below(tmp_path) == {"a"}


def test_a_link_in_a_zip_is_no_file(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a", (zip_link("weights"), b"/etc/passwd"))
    with pytest.raises(IntegrityError, match="link, folder or device"):
        unpack(archive, {"weights": tmp_path / "out"}, max_bytes=100)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_bomb_is_stopped_at_its_bound(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a", ("zeros", bytes(30_000_000)))
    assert archive.stat().st_size < 100_000
    with pytest.raises(IntegrityError, match="over 1000 bytes"):
        unpack(archive, {"zeros": tmp_path / "out"}, max_bytes=1000)
    assert (tmp_path / "out").stat().st_size <= 1000


def test_the_bound_holds_for_all_members_together(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a", ("one", bytes(600)), ("two", bytes(600)))
    with pytest.raises(IntegrityError, match="larger than it may be"):
        unpack(archive, {"one": tmp_path / "1", "two": tmp_path / "2"}, max_bytes=1000)


def test_a_member_that_is_missing_or_twice_there_is_named(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a", ("one", b"1"), ("one", b"2"))
    with pytest.raises(IntegrityError, match="'one' twice"):
        unpack(archive, {"one": tmp_path / "1"}, max_bytes=10)
    with pytest.raises(IntegrityError, match="does not hold other"):
        unpack(archive, {"other": tmp_path / "2"}, max_bytes=10)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 half a zip", b"\x1f\x8b\x08 half a gzip"])
def test_what_is_no_archive_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(IntegrityError, match="a is not a readable archive"):
        unpack(tmp_path / "a", {"x": tmp_path / "x"}, max_bytes=10)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_an_archive_cut_short_is_said_so(tmp_path: Path, make) -> None:
    whole = make(tmp_path / "a", ("x", bytes(range(256)) * 400)).read_bytes()
    (tmp_path / "b").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntegrityError, match="b is not a readable archive"):
        unpack(tmp_path / "b", {"x": tmp_path / "x"}, max_bytes=1_000_000)


def test_the_files_below_a_folder_are_listed(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a", ("m/", b""), ("m/one", b"1"), ("m/sub/two", b"2"), ("mother/three", b"3"))
    assert members_below(archive, "m") == ["m/one", "m/sub/two"]
    with pytest.raises(IntegrityError, match="no files in the folder 'other'"):
        members_below(archive, "other")
