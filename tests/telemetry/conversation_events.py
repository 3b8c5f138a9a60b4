"""A short conversation as events: an English turn that is interrupted, a Chinese one, and one to someone else."""

from __future__ import annotations

from collections.abc import Iterator

from assistant import events as e

HEARD = 'how do I look <script>alert("1")</script> & so on'
REPLY_ZH = ("我看到一个杯子。", "可能是咖啡。")
_PROBABILITIES = (0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1)


def events() -> Iterator[e.Event]:
    """Speech ends at 10 s and 20 s; the first sounds follow after 0.7 s and 0.5 s."""
    yield e.Transcript(9.0, 1, "hello mum", "en", 0.9, True)
    yield e.Transcript(10.1, 2, "how do", "en", 0.5, False)
    yield e.StageTimed(10.53, 2, "recognize", 10.2, 0.32)
    yield e.StageTimed(10.55, 2, "endpoint", 10.0, 0.001)
    yield e.Transcript(10.55, 2, HEARD, "en", 0.93, True)
    yield e.TurnStarted(10.55, 2, 10.0)
    yield e.IntentRecognized(10.57, 2, "HowDoILook", {"who": "<b>"})
    yield e.StageTimed(10.57, 2, "understand", 10.55, 0.02)
    yield e.SceneCaption(10.57, "I see one <person>.", "en", 0.8, 1.2, 2)
    yield e.EmotionState(
        10.57,
        "happy",
        _PROBABILITIES,
        0.8,
        0.4,
        0.9,
        (
            e.EmotionContribution("face", 1.0, "happy", 0.9, 1.2),
            e.EmotionContribution("voice", 0.0, None, 0.0, None, "missing"),
        ),
        2,
    )
    yield e.StageTimed(10.575, 2, "first_token", 10.57, 0.005)
    yield e.StageTimed(10.58, 2, "answer", 10.575, 0.005)
    yield e.ReplyChunk(10.58, 2, "You look happy.", "en")
    yield e.ReplyChunk(10.58, 2, "I am fairly sure.", "en")
    yield e.PlaybackStarted(10.7, 2)
    yield e.StageFailed(11.0, "camera", "The camera <0> is gone.", "Plug it in.")
    yield e.Interruption(11.2, 2, "speech")
    yield e.PlaybackFinished(11.2, 2, 0.5, "You look happy.", False)
    yield e.TurnFinished(11.3, 2)
    yield e.Transcript(20.2, 3, "你看到了什么", "zh", 0.9, True)
    yield e.TurnStarted(20.2, 3, 20.0)
    yield from (e.ReplyChunk(20.3, 3, sentence, "zh") for sentence in REPLY_ZH)
    yield e.PlaybackStarted(20.5, 3)
    yield e.PlaybackFinished(23.0, 3, 2.4, "".join(REPLY_ZH), True)
    yield e.TurnFinished(23.0, 3)
