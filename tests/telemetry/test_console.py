"""What a person sees on the terminal."""

from __future__ import annotations

import io
from datetime import datetime, timezone

import pytest
from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.text import Text

from assistant import events as e
from assistant.telemetry.console import Console
from tests.telemetry.conversation_events import HEARD, events


class NoonClock:
    """It is always 12:30."""

    def monotonic_s(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return datetime(2026, 1, 2, 12, 30, 5, tzinfo=timezone.utc)

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError


def printed(*shown: e.Event, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(NoonClock(), RichConsole(file=out, force_terminal=terminal, width=40))
    for event in shown:
        console.on_event(event)
    return out.getvalue()


def test_a_conversation_reads_as_one_in_the_languages_that_were_spoken() -> None:
    lines = printed(*events()).splitlines()
    assert all(line.startswith("12:30:05 ") for line in lines)
    assert [" ".join(line.split()[1:]) for line in lines] == [
        f"you {HEARD}",
        "I see one <person>.",
        "feels: happy 0.90 (face 100%)",
        "assistant You look happy.",
        "I am fairly sure.",
        "first sound 0.70 s after the end of speech",
        "camera: The camera <0> is gone. Plug it in.",
        "interrupted after 0.5 s",
        "你 你看到了什么",
        "助手 我看到一个杯子。",
        "可能是咖啡。",
        "first sound 0.50 s after the end of speech",
    ]


def test_without_a_terminal_it_is_plain_and_in_order_of_either_arrival() -> None:
    started, heard = e.TurnStarted(1.0, 1, 0.5), e.Transcript(1.0, 1, "[bold]stop[/bold]", "en", 0.9, True)
    assert printed(started, heard) == printed(heard, started)
    assert "[bold]stop[/bold]" in printed(started, heard)
    assert "\x1b" not in printed(started, heard)
    assert "\x1b" in printed(started, heard, terminal=True)


def test_heard_text_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in printed(e.Notice(1.0, "asleep", "\x1b[2Jgone\x07"))


def test_notices_print_their_text() -> None:
    assert "Listening – say “hey jarvis”." in printed(e.Notice(1.0, "listening", "Listening – say “hey jarvis”."))
    assert printed(e.Notice(1.0, "muted")) == ""


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class Latin1(io.StringIO):
    def write(self, text: str) -> int:
        return len(text.encode("latin-1"))


@pytest.mark.parametrize("file", [ClosedPipe(), Latin1()], ids=["closed pipe", "no Chinese"])
def test_a_failing_terminal_never_raises(file: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    # rich redirects the process's own stdout when a pipe closes; not in the test run.
    monkeypatch.setattr("rich.console.Console.on_broken_pipe", _exit, raising=False)
    console = Console(NoonClock(), RichConsole(file=file))
    for event in events():
        console.on_event(event)


def _exit(console: RichConsole) -> None:
    raise SystemExit(1)


def test_what_is_being_said_is_replaced_until_it_is_final() -> None:
    said = [
        e.Transcript(1.0, 1, "what", "en", 0.0, False),
        e.Transcript(1.2, 1, "what time", "en", 0.0, False),
        e.TurnStarted(1.5, 1, 1.3),
        e.Transcript(1.5, 1, "what time is it", "en", 0.9, True),
    ]
    shown = printed(*said, terminal=True)
    lines = shown.split("\n")
    assert len(lines) == 2, "one line, which ends with the final text"
    assert lines[0].count("\r\x1b[2K") == 2
    assert "what time is it" in lines[0].rpartition("\x1b[2K")[2]
    assert "what time …" not in printed(*said)


def test_a_partial_text_never_wraps() -> None:
    long = e.Transcript(1.0, 1, "and so on " * 20, "en", 0.0, False)
    chinese = e.Transcript(1.0, 1, "等等" * 30, "zh", 0.0, False)
    for partial in (long, chinese):
        plain = Text.from_ansi(printed(partial, terminal=True)).plain
        assert cell_len(plain) < 40


def test_a_reply_that_goes_on_says_so() -> None:
    assert "goes on" in printed(e.PlaybackResumed(1.0, 1))


def test_what_happens_before_the_camera_is_shown() -> None:
    shown = printed(e.SceneChange(1.0, "came", "person", 0.8), e.SceneChange(2.0, "vanished", "umbrella", 0.8))
    assert [" ".join(line.split()[1:]) for line in shown.splitlines()] == ["someone came.", "an umbrella disappeared."]
