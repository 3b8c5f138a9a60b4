"""One example of every event, as a short conversation would produce it: for `docs/events.md`."""

from __future__ import annotations

import numpy as np

from assistant import events as e

_SILENCE = np.zeros(8000, dtype=np.float32)
_PIXELS = np.zeros((480, 640, 3), dtype=np.uint8)
_UTTERANCE = e.Utterance(5.9, np.zeros(28_800, dtype=np.float32), 16_000, started_at_s=3.8, ended_at_s=5.35)
_FRAME = e.VideoFrame(4.8, _PIXELS, source="0")
_HAPPY = (0.01, 0.0, 0.01, 0.86, 0.02, 0.04, 0.06)

EXAMPLES: tuple[e.Event, ...] = (
    e.Notice(2.1, kind="listening", text="Listening. Say “hey jarvis” and what you want."),
    e.AudioFrame(3.7, np.zeros(512, dtype=np.float32), 16_000),
    _FRAME,
    e.SpeechStarted(3.8),
    e.SpeechContinued(4.9, _UTTERANCE),
    e.SpeechPaused(5.55, _UTTERANCE),
    e.SpeechResumed(5.6),
    _UTTERANCE,
    e.SpeechEnded(5.9, _UTTERANCE),
    e.SpeechDiscarded(5.9),
    e.Transcript(5.95, turn_id=1, text="what do you see?", language="en", confidence=0.94, is_final=True),
    e.WakeWordDetected(5.95, phrase="hey jarvis", score=0.98),
    e.TurnStarted(5.95, turn_id=1, speech_ended_at_s=5.35),
    e.IntentRecognized(5.96, turn_id=1, intent="scene_describe", slots={}),
    e.SceneState(
        4.8,
        objects=(e.Detection("person", 0.83, e.Box(0.31, 0.12, 0.66, 0.98)),),
        faces=(e.Face(e.Box(0.42, 0.16, 0.55, 0.36), 0.97, ((0.46, 0.24), (0.51, 0.24))),),
        tags=(e.SceneTag("espresso", 0.41),),
        source="0",
        frame=_FRAME,
        tracks=(e.Track(3, "person", 0.81, e.Box(0.31, 0.12, 0.66, 0.98), 1.3, 4.8, color="dark blue"),),
        brightness=0.41,
        compute_s={"objects": 0.049, "faces": 0.012},
    ),
    e.SceneChange(1.3, "came", "person", confidence=0.78, track_id=3, box=e.Box(0.31, 0.12, 0.66, 0.98)),
    e.SceneCaption(5.97, "I see a person in the middle.", "en", confidence=0.89, age_s=1.17, turn_id=1),
    e.EmotionEstimate(4.8, "face", _HAPPY, valence=0.81, arousal=0.42, confidence=0.9),
    e.EmotionState(
        5.97,
        "happy",
        _HAPPY,
        valence=0.81,
        arousal=0.42,
        confidence=0.86,
        contributions=(
            e.EmotionContribution("face", 1.0, "happy", 0.9, 1.17),
            e.EmotionContribution("voice", 0.0, "neutral", 0.2, 0.62, left_out="not confident"),
            e.EmotionContribution("text", 0.0, None, 0.0, None, left_out="missing"),
        ),
        turn_id=1,
    ),
    e.StageTimed(5.98, turn_id=1, stage="understand", started_at_s=5.95, compute_s=0.021),
    e.StageTimed(5.98, turn_id=1, stage="answer", started_at_s=5.98, compute_s=0.002),
    e.ReplyChunk(5.98, turn_id=1, text="I see a person in the middle.", language="en"),
    e.SpeechChunk(6.04, turn_id=1, samples=_SILENCE, sample_rate_hz=24_000, text="I see a person in the middle."),
    e.PlaybackStarted(6.1, turn_id=1),
    e.PlaybackPaused(6.3, turn_id=1),
    e.PlaybackResumed(6.7, turn_id=1),
    e.Interruption(6.9, turn_id=1, reason="speech"),
    e.PlaybackFinished(
        6.92, turn_id=1, played_s=0.82, text="I see a…", completed=False, begun="I see a person in the middle."
    ),
    e.TurnFinished(6.93, turn_id=1),
    e.StageFailed(
        40.0,
        "camera",
        "The camera '0' delivered no picture within 5 s.",
        "Check its cable, or the address of the stream.",
    ),
    e.StageRecovered(47.5, "camera"),
)
