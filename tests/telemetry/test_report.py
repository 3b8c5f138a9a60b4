"""The report: complete, inert, self-contained, and written whole or not at all."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant import events as e
from assistant.telemetry.machine import describe_machine
from assistant.telemetry.report import write_report
from assistant.telemetry.report_header import ReportHeader
from assistant.telemetry.timeline import Timeline
from assistant.telemetry.waterfall import bars_of
from tests.telemetry.conversation_events import HEARD, REPLY_ZH, events

VOID = {"meta", "link", "img", "br"}
HEADER = ReportHeader(
    title="A <test>",
    created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    machine=describe_machine(),
    speed="realtime",
    versions={"edge-assistant": "0.1.0"},
    models={"recogniser": "whisper-base"},
    questions_spoken_by="Piper",
)


class Page(HTMLParser):
    """Collects text and attributes, and fails on a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report"), HEADER)


def write(folder: Path, header: ReportHeader) -> Path:
    timeline = Timeline()
    for event in events():
        timeline.on_event(event)
    tone = np.sin(np.linspace(0, 2000, 12_000)).astype(np.float32)
    picture = np.full((900, 1600, 3), 128, dtype=np.uint8)
    replies = {2: (tone, 24_000), 3: (tone, 17_000)}
    write_report(folder, timeline, header=header, pictures={2: picture}, replies=replies, questions={2: (tone, 16_000)})
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_everything_heard_and_said_is_there_as_text_only(page: Page) -> None:
    text = "\n".join(page.text)
    for expected in (
        HEARD,
        "You look happy. I am fairly sure.",
        "".join(REPLY_ZH),
        "你看到了什么",
        "I see one <person>.",
    ):
        assert expected in text
    assert "The camera <0> is gone." in text
    assert "hello mum" not in text
    assert page.attributes("script") == []
    assert page.attributes("person") == []


def test_the_page_asks_nothing_of_anyone(page: Page) -> None:
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "srcset", "action", "data", "poster", "xlink:href"}:
                assert (value or "").startswith("data:")
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in page.attributes("meta"))


def test_no_address_in_style_sheets(folder: Path) -> None:
    style = re.search(r"<style>(.*?)</style>", (folder / "report.html").read_text(encoding="utf-8"), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "prefers-color-scheme: dark" in style[1]


def test_languages_players_and_pictures_are_announced(page: Page) -> None:
    assert page.attributes("html") == [{"lang": "en"}]
    assert [item["lang"] for item in page.attributes("p") if "lang" in item] == ["en", "en", "zh", "zh"]
    players = page.attributes("audio")
    assert [player["aria-label"] for player in players] == ["What the person said", "The reply", "The reply"]
    assert all(player["src"].startswith(("data:audio/mpeg", "data:audio/flac")) for player in players if player["src"])
    (picture,) = page.attributes("img")
    assert picture["alt"] == "I see one <person>."
    (waterfall,) = page.attributes("svg")
    assert "waiting for more speech 550 ms" in (waterfall["aria-label"] or "")
    assert "first token 5 ms, answer 5 ms" in (waterfall["aria-label"] or "")
    assert "first sound after 700 ms" in (waterfall["aria-label"] or "")
    assert "left out: missing" in "\n".join(page.text)


def test_an_unusual_sample_rate_is_still_playable(page: Page) -> None:
    sources = [player["src"] or "" for player in page.attributes("audio")]
    assert sources[2].startswith("data:audio/flac")
    assert sources[0].startswith("data:audio/mpeg" if "MP3" in soundfile.available_formats() else "data:audio/flac")


def test_the_json_holds_every_turn_and_the_header(folder: Path) -> None:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["machine"]["cores"] >= 1
    assert report["models"] == {"recogniser": "whisper-base"}
    assert report["questions_spoken_by"] == "Piper"
    assert report["created"] == "2026-01-02T03:04:05+00:00"
    assert report["end_of_speech_to_first_sound"] == {
        "count": 2,
        "p50_s": pytest.approx(0.5),
        "p95_s": pytest.approx(0.7),
    }
    assert report["stages"]["recognize"] == {"count": 1, "p50_s": pytest.approx(0.33), "p95_s": pytest.approx(0.33)}
    first, second = report["turns"]
    assert (first["heard"], first["language"], first["latency_s"]) == (HEARD, "en", 0.7)
    assert first["caption"]["text"] == "I see one <person>."
    assert first["emotion"]["contributions"][1]["left_out"] == "missing"
    assert first["stages"][0] == {"stage": "recognize", "begins_s": 0.2, "duration_s": 0.33, "compute_s": 0.32}
    assert (second["reply"], second["completed"]) == ("".join(REPLY_ZH), True)


def test_how_long_each_stage_took_is_told_by_its_median_and_95th_percentile(tmp_path: Path) -> None:
    timeline = Timeline()
    for turn_id, hundredths in enumerate([*range(11, 30), 95], start=1):
        timeline.on_event(e.TurnStarted(10.0, turn_id, 10.0))
        timeline.on_event(e.StageTimed(10.0 + hundredths / 100, turn_id, "recognize", 10.0, 0.1))
    timeline.on_event(e.StageTimed(10.5, turn_id, "understand", 10.47, 0.03))
    write_report(tmp_path, timeline, header=HEADER, pictures={}, replies={}, questions={})
    text = "\n".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).text)
    assert "stage\nturns\nmedian\n95 %" in text
    assert "recognize\n20\n0.20 s\n0.29 s\nunderstand\n1\n0.03 s\n0.03 s" in text


def test_in_virtual_time_no_latency_is_claimed(tmp_path: Path) -> None:
    header = ReportHeader("Replay", HEADER.created, HEADER.machine, "max")
    write(tmp_path, header)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["end_of_speech_to_first_sound"], report["stages"]) == (None, {})
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    text = "\n".join(page.text)
    assert "virtual time" in text
    assert "first sound" not in text


def test_in_virtual_time_work_follows_what_it_needed() -> None:
    timeline = Timeline()
    timeline.on_event(e.TurnStarted(10.5, 1, 10.0))
    timeline.on_event(e.StageTimed(10.5, 1, "endpoint", 10.0, 0.0))
    timeline.on_event(e.StageTimed(10.2, 1, "recognize", 10.2, 0.4))
    timeline.on_event(e.StageTimed(10.5, 1, "understand", 10.5, 0.02))
    bars = {bar.stage.name: (bar.begin_s, bar.end_s) for bar in bars_of(timeline.turns[0])}
    assert bars["endpoint"] == pytest.approx((0.0, 0.5))
    assert bars["recognize"] == pytest.approx((0.2, 0.6))
    assert bars["understand"] == pytest.approx((0.6, 0.62))


def test_a_run_without_turns_has_a_report(tmp_path: Path) -> None:
    write_report(tmp_path, Timeline(), header=HEADER, pictures={}, replies={}, questions={})
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Nothing was said to the assistant in this run." in page.text
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["turns"] == []


def test_the_report_shows_what_each_network_of_sight_cost(tmp_path: Path) -> None:
    timeline = Timeline()
    timeline.on_event(e.SceneState(1.0, (), (), compute_s={"objects": 1.25, "faces": 0.5}))
    write_report(tmp_path, timeline, header=HEADER, pictures={}, replies={}, questions={})
    sight = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["sight"]
    assert sight == {"looks": 1, "compute_s": {"faces": 0.5, "objects": 1.25}}
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "What 1 looks at the camera cost" in text
    assert "1.25 s of work" in text


def test_nothing_is_left_half_written(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OSError, match="report"):
        write(tmp_path, HEADER)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
