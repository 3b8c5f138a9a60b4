"""Late fusion: what several channels say together."""

from __future__ import annotations

import itertools

import pytest

from assistant.config import EmotionConfig
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.fusion import EmotionFusion
from assistant.emotion.pooling import SHIPPED, LogLinearPooling, PoolingParameters
from assistant.errors import ConfigError
from assistant.events import EMOTION_LABELS, EmotionEstimate, EmotionLabel, EmotionState


def says(
    channel: str, label: EmotionLabel, *, confidence: float = 0.9, at_s: float = 0.0, sure: float = 0.88
) -> EmotionEstimate:
    rest = (1.0 - sure) / 6
    probabilities = tuple(sure if other == label else rest for other in EMOTION_LABELS)
    return EmotionEstimate(at_s, channel, probabilities, 0.5, 0.25, confidence)


def new_fusion(config: EmotionConfig | None = None) -> EmotionFusion:
    config = config or EmotionConfig()
    return EmotionFusion(config, LogLinearPooling(PoolingParameters.read(SHIPPED), config.channels))


def fused(*estimates: EmotionEstimate, now_s: float = 0.0, config: EmotionConfig | None = None) -> EmotionState:
    fusion = new_fusion(config)
    for estimate in estimates:
        fusion.update(estimate)
    state = fusion.state(now_s)
    assert state is not None
    return state


def left_out(state: EmotionState) -> dict[str, str | None]:
    return {contribution.channel: contribution.left_out for contribution in state.contributions}


def test_nothing_observed_is_no_state() -> None:
    assert new_fusion().state(5.0) is None


def test_one_good_channel_is_enough_and_the_others_are_named_missing() -> None:
    state = fused(says("text", "happy"))
    assert state.label == "happy"
    assert left_out(state) == {"face": "missing", "voice": "missing", "text": None}
    assert [c.weight for c in state.contributions] == [0.0, 0.0, 1.0]


def test_a_missing_channel_counts_as_if_it_did_not_exist() -> None:
    text = says("text", "sad")
    alone = fused(text, config=EmotionConfig(channels=("text",)))
    among = fused(text)
    assert among.probabilities == alone.probabilities
    assert among.confidence == alone.confidence


def test_a_confident_channel_beats_an_unsure_one() -> None:
    assert fused(says("text", "happy"), says("face", "sad", confidence=0.2)).label == "happy"
    assert fused(says("text", "happy", confidence=0.15), says("face", "sad", confidence=0.95)).label == "sad"


def test_agreement_raises_confidence_and_conflict_lowers_it() -> None:
    alone = fused(says("text", "happy"))
    agreeing = fused(says("text", "happy"), says("face", "happy"))
    conflicting = fused(says("text", "sad"), says("face", "happy"))
    assert agreeing.confidence > alone.confidence > conflicting.confidence
    assert agreeing.label == "happy"
    assert conflicting.label is None


def test_voice_alone_never_names_a_feeling() -> None:
    assert fused(says("voice", "angry", confidence=0.6)).label is None


def test_evidence_fades_to_abstention() -> None:
    states = [fused(says("text", "happy"), now_s=now_s) for now_s in (0.0, 4.0, 20.0, 60.0, 1000.0)]
    confidences = [state.confidence for state in states]
    assert confidences == sorted(confidences, reverse=True)
    assert [state.label for state in states] == ["happy", "happy", None, None, None]
    assert left_out(states[-1])["text"] == "too old"
    assert states[-1].confidence == 0.0
    assert states[-1].valence == 0.0
    assert [round(c.age_s or 0.0) for c in states[1].contributions if c.channel == "text"] == [4]


def test_half_life_is_configurable() -> None:
    brief, lasting = (
        fused(says("face", "happy"), now_s=10.0, config=EmotionConfig(half_life_s=half_life_s))
        for half_life_s in (2.0, 100.0)
    )
    assert brief.confidence < 0.1 < lasting.confidence


def test_abstains_below_the_configured_confidence() -> None:
    estimate = says("text", "happy", confidence=0.5)
    assert fused(estimate, config=EmotionConfig(abstain_below=0.2)).label == "happy"
    assert fused(estimate, config=EmotionConfig(abstain_below=0.9)).label is None


@pytest.mark.parametrize(("confidence", "now_s"), [(0.9, 1000.0), (0.02, 0.0)], ids=["too old", "not confident"])
def test_without_evidence_nothing_is_named_however_little_is_asked_for(confidence: float, now_s: float) -> None:
    config = EmotionConfig(abstain_below=0.0)
    assert fused(says("text", "happy"), config=config).label == "happy"
    assert fused(says("text", "happy", confidence=confidence), now_s=now_s, config=config).label is None


def test_an_unconfident_channel_is_left_out() -> None:
    state = fused(says("text", "happy"), says("face", "sad", confidence=0.02))
    assert left_out(state)["face"] == "not confident"
    assert state.probabilities == fused(says("text", "happy")).probabilities


def test_the_order_of_events_does_not_matter() -> None:
    events = (
        says("face", "happy", at_s=1.0),
        says("voice", "angry", at_s=2.0, confidence=0.4),
        says("voice", "happy", at_s=3.0, confidence=0.6),
        says("text", "happy", at_s=2.5, confidence=0.7),
        says("text", "sad", at_s=0.5),
    )
    states = [fused(*order, now_s=4.0) for order in itertools.permutations(events)]
    assert all(state == states[0] for state in states)
    assert states[0].label == "happy"


def test_asking_changes_nothing() -> None:
    fusion = new_fusion()
    fusion.update(says("text", "happy"))
    fusion.state(3.0)
    fusion.state(9.0)
    assert fusion.state(1.0) == fused(says("text", "happy"), now_s=1.0)


def test_voice_is_averaged_over_neighbouring_utterances() -> None:
    steady = [says("voice", "sad", at_s=at_s, confidence=0.6) for at_s in (0.0, 3.0)]
    flip = says("voice", "happy", at_s=6.0, confidence=0.6)
    voice = EMOTION_LABELS.index("sad")
    assert fused(*steady, flip, now_s=6.0).probabilities[voice] > fused(flip, now_s=6.0).probabilities[voice]


@pytest.mark.parametrize("count", range(1, 4))
def test_every_combination_is_a_distribution_with_shares_that_sum_to_one(count: int) -> None:
    for channels in itertools.combinations(("face", "voice", "text"), count):
        for labels in itertools.product(("angry", "happy", "neutral"), repeat=count):
            state = fused(*(says(c, label, sure=0.999) for c, label in zip(channels, labels, strict=True)))
            assert sum(state.probabilities) == pytest.approx(1.0)
            assert sum(c.weight for c in state.contributions) == pytest.approx(1.0)
            assert 0.0 <= state.confidence <= 1.0
            assert abs(state.valence) <= 1.0
            assert len(state.contributions) == 3


def test_a_channel_that_the_fusion_has_not_learned_is_left_out_and_said_so() -> None:
    fusion = EmotionFusion(EmotionConfig(), FixedWeights(("text",)))
    fusion.update(says("face", "sad"))
    fusion.update(says("text", "happy"))
    state = fusion.state(0.0)
    assert state is not None
    assert state.label == "happy"
    assert left_out(state) == {"face": "not learned", "voice": "missing", "text": None}


def test_what_was_said_before_still_counts_a_little() -> None:
    now = says("face", "neutral", at_s=4.0, confidence=0.4)
    happy = EMOTION_LABELS.index("happy")
    before = fused(says("face", "happy", at_s=2.0), now, now_s=4.0)
    assert before.probabilities[happy] > fused(now, now_s=4.0).probabilities[happy]


def test_the_turn_is_passed_on() -> None:
    fusion = new_fusion()
    fusion.update(says("text", "happy"))
    state = fusion.state(2.0, turn_id=4)
    assert state is not None
    assert (state.at_s, state.turn_id) == (2.0, 4)


def test_a_channel_that_is_switched_off_is_refused() -> None:
    with pytest.raises(ConfigError, match="'voice' is not switched on"):
        fused(says("voice", "happy"), config=EmotionConfig(channels=("text",)))
