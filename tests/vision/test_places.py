"""Where things are, to the camera and to each other."""

from __future__ import annotations

import pytest

from assistant.events import Box, Track
from assistant.vision.places import beside, distance_of, on, place_of, under

TABLE = Box(0.2, 0.5, 0.8, 0.95)


def thing(label, box):
    return Track(0, label, 0.8, box, 0.0, 0.0)


@pytest.mark.parametrize(
    ("boxes", "place"),
    [
        ([Box(0.0, 0.2, 0.2, 0.6)], "left"),
        ([Box(0.4, 0.2, 0.6, 0.6)], "middle"),
        ([Box(0.8, 0.2, 1.0, 0.6)], "right"),
        ([Box(0.1, 0.2, 0.9, 0.6)], None),
        ([Box(0.0, 0.2, 0.2, 0.6), Box(0.8, 0.2, 1.0, 0.6)], None),
    ],
)
def test_thirds(boxes, place):
    assert place_of(boxes) == place


@pytest.mark.parametrize(
    ("label", "box", "distance"),
    [
        ("person", Box(0.2, 0.1, 0.6, 0.95), "near"),
        ("person", Box(0.2, 0.0, 0.8, 1.0), "near"),
        ("person", Box(0.4, 0.4, 0.45, 0.6), "far"),
        ("person", Box(0.4, 0.3, 0.5, 0.8), None),
        ("person", Box(0.4, 0.9, 0.5, 1.0), None),
        ("cup", Box(0.4, 0.4, 0.45, 0.6), None),
    ],
)
def test_distances_are_known_of_people_only(label, box, distance):
    assert distance_of(thing(label, box), []) == distance


def test_who_lies_or_shows_by_half_may_be_near():
    lying, bust = thing("person", Box(0.15, 0.6, 0.85, 0.85)), thing("person", Box(0.4, 0.3, 0.52, 0.5))
    assert distance_of(lying, [lying]) is None
    assert distance_of(bust, [bust]) is None
    walker, hedge = thing("person", Box(0.4, 0.4, 0.45, 0.6)), thing("bench", Box(0.3, 0.55, 0.6, 0.75))
    assert distance_of(walker, [walker]) == "far"
    assert distance_of(walker, [walker, hedge]) is None


@pytest.mark.parametrize(
    ("box", "relation"),
    [
        (Box(0.45, 0.35, 0.52, 0.55), "on"),
        (Box(0.45, 0.55, 0.52, 0.7), "on"),
        (Box(0.45, 0.1, 0.52, 0.2), None),
        (Box(0.45, 0.72, 0.52, 0.88), None),
        (Box(0.4, 0.75, 0.55, 0.98), "under"),
        (Box(0.85, 0.6, 0.98, 0.95), "next"),
    ],
)
def test_a_cup_and_a_table(box, relation):
    cup, table = thing("cup", box), thing("dining table", TABLE)
    assert (cup in on(table, [table, cup])) is (relation == "on")
    assert (cup in under(table, [table, cup])) is (relation == "under")
    assert (cup in beside(table, [table, cup], "next")) is (relation == "next")


@pytest.mark.parametrize("label", ["person", "chair", "horse", "bicycle"])
def test_what_stands_on_the_floor_is_neither_on_a_table_nor_under_it(label):
    table = thing("dining table", Box(0.1, 0.55, 0.9, 0.95))
    behind, before = thing(label, Box(0.4, 0.2, 0.65, 0.7)), thing(label, Box(0.4, 0.7, 0.55, 0.96))
    assert on(table, [behind, before]) == under(table, [behind, before]) == []


def test_nothing_is_under_a_bed_nor_under_what_the_picture_cuts_off():
    cat = thing("cat", Box(0.4, 0.75, 0.55, 0.95))
    assert under(thing("bed", TABLE), [cat]) == []
    assert under(thing("dining table", TABLE), [cat]) == [cat]
    assert under(thing("dining table", Box(0.2, 0.3, 0.8, 1.0)), [cat]) == []


def test_a_dog_before_a_car_stands_on_nothing():
    dog, car = thing("dog", Box(0.4, 0.45, 0.5, 0.7)), thing("car", TABLE)
    assert on(car, [dog, car]) == under(car, [dog, car]) == beside(car, [dog, car], "next") == []


def test_neighbours_come_nearest_first_and_what_is_behind_is_none():
    cup = thing("cup", Box(0.45, 0.4, 0.55, 0.6))
    near, far = thing("book", Box(0.3, 0.4, 0.4, 0.6)), thing("vase", Box(0.0, 0.4, 0.1, 0.6))
    table, right = thing("dining table", TABLE), thing("fork", Box(0.6, 0.5, 0.65, 0.6))
    things = [far, near, table, right, cup]
    assert beside(cup, things, "left") == [near, far]
    assert beside(cup, things, "right") == [right]
    assert beside(cup, things, "next") == [right, near]
