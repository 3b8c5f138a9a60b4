"""The generated documentation is current and complete."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.config import Config
from assistant.config_schema import all_keys
from assistant.control.manual import control_page
from assistant.docs import configuration_page, events_page, main
from assistant.events import Event
from assistant.settings import load_config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"(?<![\w/])(docs/\w+\.md|README\.md|Jetson\.md|CONTRIBUTING\.md)(?:, “([^”]+)”)?")
"""A file, and a heading in it."""


def event_classes(base: type[Event] = Event) -> Iterator[type[Event]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from event_classes(subclass)


def test_the_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_file_is_named_and_rewritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "events.md").write_text("old")
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert str(tmp_path / "events.md") in capsys.readouterr().err


def test_every_event_has_its_section_and_a_valid_example() -> None:
    page = events_page()
    headings = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert {item.__name__ for item in event_classes()} <= set(headings)
    lines = [json.loads(line) for line in re.findall(r"^(\{.*\})$", page, re.MULTILINE)]
    assert {line["event"] for line in lines} == {item.__name__ for item in event_classes()}
    assert "Last voiced sample: the voice-activity hangover is already subtracted." in page


@pytest.mark.parametrize("field", ["turn_id", "sample_rate_hz", "confidence", "language"])
def test_a_field_that_many_events_have_has_its_meaning_in_each(field: str) -> None:
    meanings = re.findall(rf"^\| `{field}` \| [^|]+ \| (.*) \|$", events_page(), re.MULTILINE)
    assert len(meanings) > 1 and all(meanings)


@pytest.mark.parametrize("page", [events_page, control_page])
def test_every_field_has_its_meaning(page: Callable[[], str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", page(), re.MULTILINE)
    assert len(rows) > 20
    assert [name for name, meaning in rows if not meaning.strip()] == []


def test_links_lead_to_sections() -> None:
    page = events_page()
    anchors = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= anchors


def test_every_key_is_documented_and_the_example_is_the_defaults(tmp_path: Path) -> None:
    page = configuration_page()
    for key in all_keys().values():
        assert f"`{key.environment}`" in page
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    assert tomllib.loads(example[1])["vad"]["backend"] == "silero"
    path = tmp_path / "assistant.toml"
    path.write_text(example[1], encoding="utf-8")
    assert load_config(path, {}) == Config()


def test_what_the_program_sends_people_to_read_is_there() -> None:
    sources = [*(ROOT / "assistant").rglob("*.py"), ROOT / "install.sh", *(ROOT / "systemd").rglob("*.sh")]
    named = {found for path in sources for found in _NAMED.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 10
    for file, heading in named:
        assert (ROOT / file).is_file(), file
        headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
        assert not heading or heading in headings, f"{file} has no “{heading}”"
