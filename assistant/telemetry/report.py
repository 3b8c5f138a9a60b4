"""The report of a run: `report.json` for programs and `report.html` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from assistant.atomic import write_text
from assistant.events import AudioArray, ImageArray
from assistant.telemetry.encode import Json, to_json
from assistant.telemetry.report_header import ReportHeader
from assistant.telemetry.report_page import Media, page_of
from assistant.telemetry.timeline import Timeline, TurnRecord, latency_summary, stage_summaries


def write_report(
    out_dir: Path,
    timeline: Timeline,
    *,
    header: ReportHeader,
    pictures: Mapping[int, ImageArray],
    replies: Mapping[int, tuple[AudioArray, int]],
    questions: Mapping[int, tuple[AudioArray, int]],
) -> None:
    """Write `report.json` and `report.html` to `out_dir`, each whole or not at all.

    `pictures` (uint8 (H, W, 3) RGB, boxes already drawn) and sounds (float32 (n,) mono in [-1, 1], with their rate in
    Hz) belong to turns by `turn_id`; any may be missing. Raises `OSError` when the folder cannot be written.
    """
    write_text(out_dir / "report.json", json.dumps(report_of(timeline, header), ensure_ascii=False, indent=2) + "\n")
    write_text(out_dir / "report.html", page_of(timeline, header, Media(pictures, replies, questions)))


def report_of(timeline: Timeline, header: ReportHeader) -> dict[str, Json]:
    """The report as one JSON object."""
    measured = timeline.turns if header.speed == "realtime" else []
    summary = latency_summary(measured)
    return {
        **asdict(header),
        "created": header.created.isoformat(timespec="seconds"),
        "end_of_speech_to_first_sound": asdict(summary) if summary else None,
        "stages": {name: asdict(summary) for name, summary in stage_summaries(measured).items()},
        "sight": {
            "looks": timeline.looks,
            "compute_s": {network: round(spent_s, 3) for network, spent_s in sorted(timeline.sight_s.items())},
        },
        "turns": [_turn(record) for record in timeline.turns],
    }


def _turn(record: TurnRecord) -> Json:
    zero_s = record.speech_ended_at_s or 0.0
    return {
        "turn_id": record.turn_id,
        "heard": record.heard,
        "language": record.language,
        "confidence": round(record.confidence, 4),
        "intent": record.intent,
        "slots": dict(record.slots),
        "reply": record.reply_text,
        "reply_language": record.reply_language,
        "caption": to_json(record.caption) if record.caption else None,
        "emotion": to_json(record.emotion) if record.emotion else None,
        "speech_ended_at_s": _rounded(record.speech_ended_at_s),
        "first_sound_at_s": _rounded(record.first_sound_at_s),
        "latency_s": _rounded(record.latency_s),
        "stages": [
            {
                "stage": stage.name,
                "begins_s": round(stage.started_at_s - zero_s, 6),
                "duration_s": round(stage.duration_s, 6),
                "compute_s": round(stage.compute_s, 6),
            }
            for stage in record.stages
        ],
        "played": record.played,
        "played_s": round(record.played_s, 6),
        "completed": record.completed,
        "interruption": record.interruption,
        "failures": [to_json(failure) for failure in record.failures],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
