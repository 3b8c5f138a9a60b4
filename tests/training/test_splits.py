"""Nobody is in two parts."""

from __future__ import annotations

import pytest

from assistant.errors import ConfigError
from export.train.folders import Sample
from export.train.splits import split_by_speaker


def people(counts: dict[str, int], part: str | None = None) -> list[Sample]:
    return [
        Sample("happy" if number % 2 else "sad", name, "text", part=part)
        for name, count in counts.items()
        for number in range(count)
    ]


@pytest.mark.parametrize("counts", [{"a": 100, "b": 5, "c": 5}, {f"p{n}": 10 for n in range(20)}])
def test_speakers_stay_whole_and_every_part_has_some(counts: dict[str, int]) -> None:
    samples = people(counts)
    split = split_by_speaker(samples)
    homes = [{samples[place].speaker for place in part} for part in (split.train, split.validation, split.test)]
    assert all(homes)
    assert not homes[0] & homes[1] and not homes[0] & homes[2] and not homes[1] & homes[2]
    assert sorted((*split.train, *split.validation, *split.test)) == list(range(len(samples)))


def test_most_samples_are_for_training() -> None:
    split = split_by_speaker(people({f"p{n}": 10 for n in range(20)}))
    assert (len(split.train), len(split.validation), len(split.test)) == (140, 30, 30)


def test_the_seed_decides_who_goes_where() -> None:
    samples = people({f"p{n}": 10 for n in range(20)})
    assert split_by_speaker(samples, 1) == split_by_speaker(samples, 1) != split_by_speaker(samples, 2)


def test_named_splits_are_kept() -> None:
    samples = people({"a": 4}, "train") + people({"b": 2}, "validation") + people({"c": 2}, "test")
    split = split_by_speaker(samples)
    assert (split.train, split.validation, split.test) == ((0, 1, 2, 3), (4, 5), (6, 7))


def test_leaking_speakers_are_an_error_that_names_them() -> None:
    samples = people({"ann": 4, "bob": 2}, "train") + people({"cy": 2}, "validation") + people({"bob": 2}, "test")
    with pytest.raises(ConfigError, match="Speakers leak: bob is in more than one split"):
        split_by_speaker(samples)


def test_one_class_is_nothing_to_learn() -> None:
    with pytest.raises(ConfigError, match="All 6 samples are 'sad'"):
        split_by_speaker([Sample("sad", name, "text") for name in "abcabc"])


def test_too_few_people() -> None:
    with pytest.raises(ConfigError, match=r"There are 2 speakers \(a, b\)"):
        split_by_speaker(people({"a": 4, "b": 4}))


def test_a_split_that_is_named_for_some_only() -> None:
    with pytest.raises(ConfigError, match="4 samples name no split"):
        split_by_speaker(people({"a": 4}) + people({"b": 2}, "test"))
