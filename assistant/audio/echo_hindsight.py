"""Who was heard in the frames that were withheld at the beginning of the first reply ever.

Then nobody knows yet how late the echo comes, or whether there is one at all, and whoever says "stop" is silent again
before that is known. A while later it is: as in `echo_delays`, an echo at a given delay cannot be louder than the
quieter moments in which that delay would have been heard, and now those after the word count, too. And by then the path
has been learned, from what was withheld as well: of an echo it leaves next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from assistant.audio.echo_bands import db, excess_db
from assistant.audio.echo_delays import RIPPLE_DB, Moment, telling

_LEAST_MOMENTS = 6
"""In which something must have been played that would be heard at a delay, for that to be judged."""
_QUIETER = 0.25
"""Share of them that counts as the quieter ones."""
_UNLIKE_ANY, _CLEARLY_UNLIKE = 3.0, 5.0
"""Mean excess over what an echo can be at any delay, in dB: enough where there is no echo in every moment, and enough
where there is. The voice's first sounds may well hit resonances of the room that those after them miss."""
SOMEONE_FRAMES = 3
"""Frames of that which make it someone."""
_UNLIKE_PATH = 0.5
"""Share of a frame that the path leaves of somebody's sound, now that it is known."""
_IN_A_ROW, _ECHOES = 5, 8
"""Frames in a row of which it leaves so much, that are somebody's; and frames of which it must leave less."""
_SHARE_AUDIBLE = 0.4
"""Share of the bands in which sound makes a frame one with sound."""
_MOSTLY, _MANY_MOMENTS = 0.9, 12
"""Share of so many moments with sound from which it may be an echo's; fewer may all lie within a word."""


def someone_else(moments: Sequence[Moment]) -> list[int]:
    """The frames in which somebody else than the assistant was heard, by number; none if that is not certain."""
    heard = np.stack([moment.heard for moment in moments])[:, np.newaxis]
    played = np.stack([moment.played for moment in moments])
    tails = np.stack([moment.tails for moment in moments])
    floor_db = np.stack([moment.floor_db for moment in moments])[:, np.newaxis]
    tells = telling(played, tails)
    ratios_db = np.sort(np.where(tells, db(heard) - db(played), np.inf), axis=0)
    count = tells.sum(axis=0)
    gain_db = np.take_along_axis(ratios_db, (_QUIETER * count).astype(np.int64)[np.newaxis], axis=0)[0]
    bound_db = np.where(count >= _LEAST_MOMENTS, gain_db, np.inf) + db(tails) + RIPPLE_DB
    unexplained_db = excess_db(heard, bound_db, floor_db).min(axis=1)
    likely, clear = unexplained_db > _UNLIKE_ANY, unexplained_db > _CLEARLY_UNLIKE
    enough = clear if _always_audible(db(heard) > floor_db, tells) else likely
    return [int(number) for number in np.flatnonzero(likely)] if enough.sum() >= SOMEONE_FRAMES else []


def unlike_path(moments: Sequence[Moment], shares_left: Sequence[float]) -> list[int]:
    """The frames in which somebody else was heard, by number, as the path leaves next to nothing of an echo by now;
    `shares_left` tells how much of the power of each frame it leaves."""
    audible = [bool((db(moment.heard) > moment.floor_db).mean() > _SHARE_AUDIBLE) for moment in moments]
    unlike = [sound and share > _UNLIKE_PATH for sound, share in zip(audible, shares_left, strict=True)]
    if sum(audible) - sum(unlike) < _ECHOES:
        return []
    runs = [list(numbers) for is_unlike, numbers in groupby(range(len(unlike)), unlike.__getitem__) if is_unlike]
    return [number for run in runs if len(run) >= _IN_A_ROW for number in run]


def _always_audible(audible: npt.NDArray[np.bool_], tells: npt.NDArray[np.bool_]) -> bool:
    """Whether there is a delay at which next to nothing of what was played would have gone unheard."""
    sound = audible.mean(axis=-1) > _SHARE_AUDIBLE
    moments = tells.mean(axis=-1) > 0.5
    count = moments.sum(axis=0)
    heard = (moments & sound).sum(axis=0)
    return bool(((count >= _MANY_MOMENTS) & (heard > _MOSTLY * count)).any())
