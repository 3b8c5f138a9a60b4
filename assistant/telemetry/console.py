"""The conversation on the terminal, as it happens."""

from __future__ import annotations

from rich.console import Console as RichConsole
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from assistant.events import (
    EmotionState,
    Event,
    Notice,
    PlaybackFinished,
    PlaybackResumed,
    PlaybackStarted,
    ReplyChunk,
    SceneCaption,
    SceneChange,
    StageFailed,
    StageRecovered,
    Transcript,
    TurnFinished,
    TurnStarted,
)
from assistant.ports import Clock
from assistant.skills.scene_words import spoken_change

_WHO = {"en": ("you", "assistant"), "zh": ("你", "助手")}
_WHO_CELLS = 11
"""Terminal cells of the widest name, and two more."""


class Console:
    """A `TurnObserver` that prints who said what, and below it in dim what was seen and felt and how long it took.

    Only turns that are addressed to the assistant are printed. What is being said stands on a line that is written
    again and again until it is final. Without a terminal it prints plain text, one line each, and nothing that is not
    final.
    """

    def __init__(self, clock: Clock, out: RichConsole | None = None, *, show_latency: bool = True) -> None:
        """`show_latency` is for runs in real time; in virtual time there is none to show."""
        self._clock = clock
        self._show_latency = show_latency
        self._out = out or RichConsole()
        self._heard: dict[int, Transcript] = {}
        self._speech_ended_at_s: dict[int, float] = {}
        self._partial = False
        """Whether the cursor is on the line of what is being said."""
        self._replying: int | None = None
        """The turn of the last line that the assistant said, so that its name stands only before the first."""

    def on_event(self, event: Event) -> None:
        """Print what a person wants to see of the event."""
        try:
            self._print(event)
        # A closed pipe or a terminal without these characters must not end the conversation; rich raises SystemExit
        # for the former.
        except (OSError, UnicodeError, SystemExit):
            self._out.quiet = True

    def _print(self, event: Event) -> None:
        match event:
            case Transcript(is_final=True):
                self._heard[event.turn_id] = event
                self._print_heard(event.turn_id)
            case Transcript() if self._out.is_terminal:
                self._print_partial(event)
            case TurnStarted():
                self._speech_ended_at_s[event.turn_id] = event.speech_ended_at_s
                self._print_heard(event.turn_id)
            case SceneCaption(turn_id=int()):
                self._line("", event.text, "dim")
            case SceneChange():
                self._line("", f"{spoken_change(event, 'en')}.", "dim")
            case EmotionState(turn_id=int()):
                self._line("", _feeling(event), "dim")
            case ReplyChunk():
                first = self._replying != event.turn_id
                self._replying = event.turn_id
                self._line(_who(event.language)[1] if first else "", event.text, "cyan")
            case PlaybackStarted(turn_id=turn_id) if self._show_latency and turn_id in self._speech_ended_at_s:
                latency_s = event.at_s - self._speech_ended_at_s[turn_id]
                self._line("", f"first sound {latency_s:.2f} s after the end of speech", "dim")
            case PlaybackResumed():
                self._line("", "goes on", "dim")
            case PlaybackFinished(completed=False):
                self._line("", f"interrupted after {event.played_s:.1f} s", "dim")
            case TurnFinished():
                self._heard.pop(event.turn_id, None)
                self._speech_ended_at_s.pop(event.turn_id, None)
            case StageFailed():
                self._line("", f"{event.stage}: {event.error} {event.remedy}".rstrip(), "yellow")
            case StageRecovered():
                self._line("", f"{event.stage}: works again", "green")
            case Notice() if event.text:
                self._line("", event.text, "dim")

    def _print_heard(self, turn_id: int) -> None:
        # The transcript and the decision that it was meant for the assistant come in either order.
        heard = self._heard.get(turn_id)
        if heard is not None and turn_id in self._speech_ended_at_s:
            self._line(_who(heard.language)[0], heard.text, "")
            # What is not addressed to the assistant never finishes a turn; it is forgotten with the next that is.
            self._heard.clear()

    def _print_partial(self, event: Transcript) -> None:
        self._erase_partial()
        # One line only: what has wrapped could not be taken back.
        line = Text.assemble(self._head(_who(event.language)[0], "dim"), " ", _printable(event.text), " …", style="dim")
        line.truncate(self._out.width - 1, overflow="ellipsis")
        self._out.print(line, end="", soft_wrap=True)
        self._partial = True

    def _erase_partial(self) -> None:
        if self._partial:
            self._partial = False
            self._out.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))

    def _line(self, who: str, text: str, style: str) -> None:
        self._erase_partial()
        self._out.print(self._head(who, style), "", Text(_printable(text), style), soft_wrap=True)

    def _head(self, who: str, style: str) -> Text:
        name = Text(who, f"bold {style}")
        name.align("right", _WHO_CELLS)
        return Text.assemble((f"{self._clock.wall():%H:%M:%S}", "dim"), " ", name)


def _printable(text: str) -> str:
    """Text from a recogniser or a language model must not steer the terminal."""
    return "".join(char for char in text if char.isprintable())


def _who(language: str) -> tuple[str, str]:
    return _WHO.get(language, _WHO["en"])


def _feeling(state: EmotionState) -> str:
    counted = ", ".join(f"{item.channel} {item.weight:.0%}" for item in state.contributions if item.weight > 0)
    label = f"{state.label} {state.confidence:.2f}" if state.label else "not sure"
    return f"feels: {label}" + (f" ({counted})" if counted else "")
