"""Conversations with known truth: the temporal filter helps."""

from __future__ import annotations

import numpy as np

from assistant.config import Config, EmotionConfig
from assistant.emotion.fusion import EmotionFusion
from assistant.emotion.pooling import LogLinearPooling
from assistant.emotion.temporal import TemporalFilter
from assistant.models.store import ModelStore
from export.train.generator import ASSISTANT
from export.train.metrics import accuracy, calibration_error
from export.train.sessions import STEP_S, Session, draw_sessions


def followed(sessions: list[Session], temporal: TemporalFilter) -> tuple[np.ndarray, np.ndarray]:
    head = LogLinearPooling.create(Config(), ModelStore())
    said, truth = [], []
    for session in sessions:
        fusion = EmotionFusion(EmotionConfig(), head, temporal)
        for step, reports in enumerate(session.reports):
            for estimate in reports:
                fusion.update(estimate)
            state = fusion.state(step * STEP_S)
            if state is not None:
                said.append(state.probabilities)
                truth.append(session.truth[step])
    return np.array(said), np.array(truth)


def test_remembering_is_more_often_right_than_looking_at_the_moment_and_stays_calibrated() -> None:
    sessions = list(draw_sessions(ASSISTANT, 60, 30, seed=3))
    forgetful, truth = followed(sessions, TemporalFilter(memory=0.0))
    remembering, _ = followed(sessions, TemporalFilter())
    assert accuracy(remembering, truth) > accuracy(forgetful, truth) + 0.01
    assert calibration_error(remembering, truth) < 0.06
