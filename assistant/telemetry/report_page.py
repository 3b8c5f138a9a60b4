"""The report as one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from xml.etree.ElementTree import Element

from assistant.events import AudioArray, EmotionContribution, EmotionState, ImageArray, SceneCaption
from assistant.telemetry.markup import add, page
from assistant.telemetry.media import picture_address, sound_address
from assistant.telemetry.report_header import ReportHeader
from assistant.telemetry.timeline import Timeline, TurnRecord, latency_summary, stage_summaries
from assistant.telemetry.waterfall import add_waterfall

_LANGUAGES = {"en": "English", "zh": "中文"}
# Nothing is fetched and nothing runs, even if an escape were forgotten.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"


@dataclass(frozen=True, slots=True)
class Media:
    """What belongs to turns, by `turn_id`; see `write_report`."""

    pictures: Mapping[int, ImageArray]
    replies: Mapping[int, tuple[AudioArray, int]]
    questions: Mapping[int, tuple[AudioArray, int]]


def page_of(timeline: Timeline, header: ReportHeader, media: Media) -> str:
    """The whole page."""
    root = Element("html", {"lang": "en"})
    _add_head(root, header.title)
    body = add(root, "body")
    _add_summary(add(body, "header"), timeline, header)
    main = add(body, "main")
    for number, turn in enumerate(timeline.turns, start=1):
        _add_turn(main, number, turn, header, media)
    if not timeline.turns:
        add(main, "p", "Nothing was said to the assistant in this run.")
    return page(root)


def _add_head(root: Element, title: str) -> None:
    head = add(root, "head")
    add(head, "meta", "", {"charset": "utf-8"})
    add(head, "meta", "", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    add(head, "meta", "", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    add(head, "meta", "", {"name": "color-scheme", "content": "light dark"})
    add(head, "title", title)
    add(head, "link", "", {"rel": "icon", "href": "data:,"})
    add(head, "style", resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8"))


def _add_summary(parent: Element, timeline: Timeline, header: ReportHeader) -> None:
    add(parent, "h1", header.title)
    add(parent, "p", f"{header.created:%Y-%m-%d %H:%M} · {header.machine}", {"class": "dim"})
    figures = add(parent, "dl", "", {"class": "figures"})
    _add_figure(figures, str(len(timeline.turns)), "turns")
    summary = latency_summary(timeline.turns)
    if header.speed == "realtime" and summary is not None:
        _add_figure(figures, _seconds(summary.p50_s), "end of speech → first sound, median")
        _add_figure(figures, _seconds(summary.p95_s), "95th percentile")
    if header.speed == "max":
        text = "This run was in virtual time: the bars show measured work, and no latency was measured."
        add(parent, "p", text, {"class": "note"})
    if header.questions_spoken_by:
        if header.questions_partly_synthesised:
            text = f"What the person says was partly synthesised by {header.questions_spoken_by}."
        else:
            text = f"What the person says was synthesised by {header.questions_spoken_by}, not recorded from a human."
        add(parent, "p", text, {"class": "note"})
    if header.speed == "realtime":
        _add_stages(parent, timeline)
    _add_sight(parent, timeline)
    details = add(parent, "details")
    add(details, "summary", "Models and versions")
    table = add(details, "table")
    for name, value in {**header.models, **header.versions}.items():
        row = add(table, "tr")
        add(row, "th", name, {"scope": "row"})
        add(row, "td", value)


def _add_sight(parent: Element, timeline: Timeline) -> None:
    """What each network that looks at pictures has cost."""
    if not timeline.sight_s:
        return
    details = add(parent, "details")
    add(details, "summary", f"What {timeline.looks} looks at the camera cost")
    table = add(details, "table")
    for network, spent_s in sorted(timeline.sight_s.items(), key=lambda item: -item[1]):
        row = add(table, "tr")
        add(row, "th", network, {"scope": "row"})
        add(row, "td", f"{spent_s:.2f} s of work")


def _add_stages(parent: Element, timeline: Timeline) -> None:
    """How long each stage took, over all turns."""
    summaries = stage_summaries(timeline.turns)
    if not summaries:
        return
    details = add(parent, "details")
    add(details, "summary", "Stages")
    table = add(details, "table")
    heads = add(table, "tr")
    for head in ("stage", "turns", "median", "95 %"):
        add(heads, "th", head, {"scope": "col"})
    for name, summary in summaries.items():
        row = add(table, "tr")
        add(row, "th", name, {"scope": "row"})
        for value in (str(summary.count), _seconds(summary.p50_s), _seconds(summary.p95_s)):
            add(row, "td", value)


def _add_figure(parent: Element, value: str, meaning: str) -> None:
    group = add(parent, "div")
    add(group, "dt", meaning)
    add(group, "dd", value)


def _add_turn(parent: Element, number: int, turn: TurnRecord, header: ReportHeader, media: Media) -> None:
    heading = f"turn-{turn.turn_id}"
    article = add(parent, "article", "", {"aria-labelledby": heading})
    title = add(article, "h2", f"Turn {number}", {"id": heading})
    facts = [_LANGUAGES.get(turn.language, turn.language), turn.intent or "no intent matched"]
    add(title, "small", " · ".join(fact for fact in facts if fact))
    columns = add(article, "div", "", {"class": "columns"})
    _add_evidence(columns, turn, media)
    talk = add(columns, "div", "", {"class": "talk"})
    _add_bubble(talk, "you", turn.heard, turn.language, media.questions.get(turn.turn_id))
    _add_bubble(talk, "assistant", turn.reply_text, turn.reply_language, media.replies.get(turn.turn_id))
    if turn.interruption is not None:
        text = f"Interrupted after {turn.played_s:.1f} s ({turn.interruption}); played until then: {turn.played}"
        add(talk, "p", text, {"class": "note"})
    for failure in turn.failures:
        add(talk, "p", f"{failure.stage}: {failure.error} {failure.remedy}", {"class": "note failure"})
    if turn.stages:
        add_waterfall(add(talk, "div", "", {"class": "latency"}), turn, virtual_time=header.speed == "max")


def _add_bubble(parent: Element, who: str, text: str, language: str, sound: tuple[AudioArray, int] | None) -> None:
    if not text and sound is None:
        return
    bubble = add(parent, "div", "", {"class": f"bubble {who}"})
    add(bubble, "span", who, {"class": "who"})
    add(bubble, "p", text or "(nothing)", {"lang": language} if text and language else {})
    if sound is not None:
        label = "What the person said" if who == "you" else "The reply"
        add(
            bubble,
            "audio",
            "",
            {"controls": "", "preload": "metadata", "aria-label": label, "src": sound_address(*sound)},
        )


def _add_evidence(parent: Element, turn: TurnRecord, media: Media) -> None:
    """What was seen and felt: picture, caption, emotion."""
    picture = media.pictures.get(turn.turn_id)
    if picture is None and turn.caption is None and turn.emotion is None:
        return
    column = add(parent, "div", "", {"class": "evidence"})
    if picture is not None or turn.caption is not None:
        _add_picture(column, picture, turn.caption)
    if turn.emotion is not None:
        _add_emotion(column, turn.emotion)


def _add_picture(parent: Element, picture: ImageArray | None, seen: SceneCaption | None) -> None:
    figure = add(parent, "figure")
    if picture is not None:
        alternative = seen.text if seen else "What the camera saw, with boxes around what was found"
        add(figure, "img", "", {"src": picture_address(picture), "alt": alternative})
    if seen is not None:
        caption = add(figure, "figcaption")
        add(caption, "span", seen.text, {"lang": seen.language})
        add(caption, "small", f"confidence {seen.confidence:.2f}, {seen.age_s:.1f} s old")


def _add_emotion(parent: Element, state: EmotionState) -> None:
    section = add(parent, "div", "", {"class": "emotion"})
    label = state.label or "not sure"
    line = add(section, "p", label, {"class": "feeling"})
    add(line, "small", f"confidence {state.confidence:.2f}, valence {state.valence:+.2f}, arousal {state.arousal:+.2f}")
    for item in state.contributions:
        row = add(section, "div", "", {"class": "channel"})
        add(row, "span", item.channel)
        track = add(row, "span", "", {"class": "track", "role": "img", "aria-label": f"weight {item.weight:.0%}"})
        add(track, "span", "", {"style": f"width: {100 * item.weight:.0f}%"})
        add(row, "small", _reason(item))


def _reason(item: EmotionContribution) -> str:
    """Why a channel counted as much as it did."""
    seen = f"{item.label} {item.confidence:.2f}" if item.label else ""
    age = f"{item.age_s:.1f} s old" if item.age_s is not None else ""
    verdict = f"left out: {item.left_out}" if item.left_out else f"weight {item.weight:.0%}"
    return ", ".join(part for part in (verdict, seen, age) if part)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
