"""What the pages that people read name is there: links, commands, keys, settings and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from assistant import cli
from assistant.config import Config, DialogueConfig
from assistant.config_schema import all_keys, tables
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.models.store import ModelStore
from assistant.settings import load_config
from export.cli import app as export_app

ROOT = Path(__file__).parents[1]
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "Jetson", "CONTRIBUTING")), *sorted((ROOT / "docs").glob("*.md"))]
QUESTIONS = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
_FILES = {".py", ".bin", ".wav"}
"""`people.bin` is no key."""
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in addresses, on sites that show it."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        to = page.parent / file if file else page
        assert to.exists(), target
        assert not anchor or anchor in anchors(to), target


@pytest.fixture(scope="module")
def commands() -> set[str]:
    """ "assistant run", "assistant config", "assistant config edit" … of both programs."""
    cli._add_groups()
    return {
        *below("assistant", typer.main.get_command(cli.app)),
        *below("assistant-export", typer.main.get_command(export_app)),
    }


def below(name: str, command: click.Command) -> Iterator[str]:
    for word, inner in getattr(command, "commands", {}).items():
        yield f"{name} {word}"
        yield from below(f"{name} {word}", inner)


@every_page
def test_commands_exist(page: Path, commands: set[str]) -> None:
    text = page.read_text(encoding="utf-8")
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```sh\n(.*?)```", text, re.DOTALL | re.MULTILINE)]
    groups = {name.rpartition(" ")[0] for name in commands}
    for program, word, next_word in re.findall(
        r"(?<![\w.-])(assistant(?:-export)?) ([a-z][a-z-]+)(?: ([a-z][a-z-]+)\b)?", "\n".join(code)
    ):
        command = f"{program} {word}"
        assert command in commands, command
        assert not next_word or command not in groups or f"{command} {next_word}" in commands, f"{command} {next_word}"


@every_page
def test_keys_exist(page: Path) -> None:
    known = {*all_keys(), *(table.path for table in tables())}
    sections = "|".join({path.partition(".")[0] for path in known})
    named = re.findall(rf"`((?:{sections})(?:\.[a-z0-9_]+)+)(?: = [^`]*)?`", page.read_text(encoding="utf-8"))
    assert [key for key in named if key not in known and Path(key).suffix not in _FILES] == []


def test_the_settings_in_the_answers_are_taken(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", QUESTIONS, re.DOTALL)
    path = tmp_path / "assistant.toml"
    path.write_text("\n".join(blocks), encoding="utf-8")
    config = load_config(path, {})
    assert len(blocks) > 2 and config.wake.phrases == ("hey computer", "你好小明")


def test_the_sentences_in_the_answers_are_understood(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", QUESTIONS, re.DOTALL)
    (tmp_path / "en.yaml").write_text(block, encoding="utf-8")
    config = Config(dialogue=DialogueConfig(sentences=str(tmp_path)))
    intent = HassilInterpreter.create(config, ModelStore()).interpret("How late is it now?", "en")
    assert intent is not None and intent.name == "time_ask"


def test_what_the_readme_says_to_say_is_understood() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = readme[readme.index("| to ask |") :].partition("\n\n")[0].splitlines()[2:]
    interpreter = HassilInterpreter.create(Config(), ModelStore())
    said = [(text, language) for row in rows for text, language in zip(row.split("|")[2:4], ("en", "zh"), strict=True)]
    for text, language in said:
        for sentence in re.split(r"[?;？。]", text):
            assert not sentence.strip() or interpreter.interpret(sentence.strip(), language), sentence
