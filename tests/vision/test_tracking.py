"""Identities over time, on detections that are given."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from assistant.events import Box, Detection
from assistant.vision.tracking import Tracker
from bench.mot_metrics import Boxes, judge, overlap

FPS = 10.0


def at(x, y=0.5, *, width=0.2, height=0.4):
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def person(x, confidence=0.7, **size):
    return Detection("person", confidence, at(x, **size))


def follow(pictures, *, every_s=1 / FPS):
    """The tracks of every picture."""
    tracker = Tracker(min_confidence=0.35)
    return [tracker.update(found, index * every_s) for index, found in enumerate(pictures)]


def identities(tracks):
    return {item.track_id for item in tracks}


def test_a_thing_keeps_its_identity_while_it_moves():
    seen = follow([[person(0.1 + 0.01 * index)] for index in range(60)])
    assert {identity for tracks in seen for identity in identities(tracks)} == {1}
    assert seen[-1][0].box.center[0] == pytest.approx(0.69, abs=0.02)
    assert (seen[-1][0].first_seen_at_s, seen[-1][0].last_seen_at_s) == (0.0, pytest.approx(5.9))


@pytest.mark.parametrize("every_s", [0.5, 1.0, 5.0])
def test_identity_holds_at_any_rate(every_s):
    """A person who wanders about, up to their own width a look."""
    pictures = [[person(0.5 + 0.2 * math.sin(index))] for index in range(12)]
    assert identities([item for tracks in follow(pictures, every_s=every_s) for item in tracks]) == {1}


def test_a_flickering_thing_is_counted_all_the_time():
    pictures = [[person(0.3)] if index % 3 == 0 else [] for index in range(30)]
    assert [len(tracks) for tracks in follow(pictures)] == [1] * 30


def test_a_half_hidden_thing_is_held_by_weak_detections_and_a_weak_one_begins_none():
    held = follow([[person(0.5)], [person(0.5)], *([[person(0.5, 0.25)]] * 40)])
    assert identities(held[-1]) == {1}
    assert held[-1][0].confidence < 0.35
    assert all(not tracks for tracks in follow([[], *([[person(0.5, 0.25)]] * 10)]))


def test_a_doubtful_thing_must_be_seen_twice_and_a_sure_one_once():
    first, second = follow([[], [person(0.5, 0.4)], [person(0.5, 0.4)]])[1:]
    assert ([item.confirmed for item in first], [item.confirmed for item in second]) == ([False], [True])
    assert follow([[], [person(0.5, 0.8)]])[1][0].confirmed


def test_specks_are_not_followed_unless_they_are_sure():
    speck = {"width": 0.01, "height": 0.02}
    assert follow([[person(0.5, 0.45, **speck)]] * 3)[-1] == ()
    assert len(follow([[person(0.5, 0.55, **speck)]] * 3)[-1]) == 1


def test_what_goes_is_gone_and_what_comes_later_is_another():
    seen = follow([[person(0.5)]] * 5 + [[]] * 40 + [[person(0.5)]] * 3)
    assert seen[10] == ()
    assert identities(seen[-1]) == {2}


def test_who_walks_behind_a_pillar_comes_out_as_the_same():
    def picture(index):
        x = 0.1 + 0.012 * index
        return [] if 0.35 < x < 0.55 else [person(x)]

    seen = follow([picture(index) for index in range(60)])
    assert identities(seen[0]) == identities(seen[-1]) == {1}


def test_two_who_cross_keep_their_identities():
    def picture(index):
        one, other = 0.1 + 0.013 * index, 0.9 - 0.013 * index
        hidden = abs(one - other) < 0.08
        return [person(one), *([] if hidden else [person(other, height=0.5)])]

    seen = follow([picture(index) for index in range(60)])
    first, last = ({item.track_id: item.box.center[0] for item in tracks} for tracks in (seen[0], seen[-1]))
    assert first[1] < first[2]
    assert set(last) == {1, 2}
    assert last[1] > last[2]


def test_a_cat_taken_for_a_dog_once_stays_a_cat():
    pictures = [[Detection("dog" if index == 4 else "cat", 0.6, at(0.5))] for index in range(8)]
    seen = follow(pictures)
    assert [item.label for tracks in seen for item in tracks] == ["cat"] * 8
    assert identities(seen[-1]) == {1}


@pytest.mark.parametrize("flicker", [["cat", "dog"], ["cat", "cat", "dog", "dog"], ["cat", "dog", "dog"]])
def test_a_detector_in_two_minds_renames_nothing_at_each_look(flicker):
    seen = follow([[Detection(flicker[index % len(flicker)], 0.6, at(0.5))] for index in range(60)])
    labels = [item.label for tracks in seen for item in tracks]
    assert len(labels) == 60
    assert sum(one != other for one, other in itertools.pairwise(labels)) <= 1


@pytest.mark.parametrize("every_s", [0.2, 5.0])
def test_a_bottle_in_the_place_of_a_cup_is_soon_called_one(every_s):
    cup, bottle = Detection("cup", 0.7, at(0.5)), Detection("bottle", 0.7, at(0.5))
    seen = follow([[cup]] * 150 + [[bottle]] * 6, every_s=every_s)
    assert [item.label for item in seen[150]] == ["cup"]
    assert [item.label for item in seen[-1]] == ["bottle"]


@pytest.mark.parametrize("every_s", [0.2, 5.0])
def test_the_chair_of_whoever_got_up_is_not_they(every_s):
    sitting, chair = person(0.5), Detection("chair", 0.7, at(0.5))
    seen = follow([[sitting]] * 200 + [[chair]] * 4, every_s=every_s)
    assert [item.label for item in seen[-1]] == ["chair"]
    assert identities(seen[-1]) == {2}


def test_a_cup_on_a_table_is_not_the_table():
    table, cup = (
        Detection("dining table", 0.7, at(0.5, 0.7, width=0.8)),
        Detection("cup", 0.7, at(0.5, 0.55, width=0.1)),
    )
    labels = {item.label for item in follow([[table], [table, cup], [table, cup]])[-1]}
    assert labels == {"dining table", "cup"}


def test_reset_forgets_but_numbers_go_on():
    tracker = Tracker(min_confidence=0.35)
    tracker.update([person(0.5)], 0.0)
    tracker.reset()
    assert identities(tracker.update([person(0.5)], 0.1)) == {2}


def test_it_asks_for_another_look_only_while_something_is_undecided():
    tracker = Tracker(min_confidence=0.35)
    tracker.update([], 0.0)
    assert not tracker.unsettled
    tracker.update([person(0.5, 0.4)], 0.1)
    assert tracker.unsettled
    tracker.update([person(0.5, 0.4)], 0.2)
    assert not tracker.unsettled
    tracker.update([], 0.3)
    assert tracker.unsettled
    for index in range(5):
        tracker.update([], 0.4 + index / 10)
    assert not tracker.unsettled


def test_a_crowd_under_noise_keeps_its_identities():
    """Twelve walkers, one detection in ten missing, edges off by 2 %, an invention in every fifth picture."""
    chance = random.Random(11)
    truth: list[Boxes] = []
    pictures = []
    for index in range(150):
        real = {
            n: at(0.1 + 0.07 * n % 0.8 + 0.0005 * index, 0.15 + 0.25 * (n % 4), width=0.05, height=0.2)
            for n in range(12)
        }
        found = [
            Detection("person", chance.uniform(0.3, 0.8), _jittered(box, chance))
            for box in real.values()
            if chance.random() > 0.1
        ]
        if chance.random() < 0.2:
            found.append(person(chance.random(), 0.36, width=0.1))
        truth.append(real)
        pictures.append(found)
    tracks = [{item.track_id: item.box for item in given if item.confirmed} for given in follow(pictures)]
    figures = judge(truth, tracks)
    assert figures.mota > 0.95
    assert figures.idf1 > 0.95
    assert figures.switches <= 1


def _jittered(box, chance):
    x, y = (0.02 * (box.x1 - box.x0) * chance.gauss(0, 1), 0.02 * (box.y1 - box.y0) * chance.gauss(0, 1))
    moved = Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)
    assert overlap(moved, box) > 0.5
    return moved
