"""The conversation as it was really heard."""

from __future__ import annotations

import pytest

from assistant.dialogue.memory import ConversationMemory


def test_only_what_was_played_is_remembered_as_said() -> None:
    memory = ConversationMemory()
    memory.heard(1, "What do you see?")
    memory.played(1, "I see a dog.")
    memory.heard(2, "Stop")
    memory.played(2, "")
    memory.heard(3, "Go on")
    assert memory.history() == [("What do you see?", "I see a dog."), ("Stop", ""), ("Go on", "")]
    assert memory.history(before=3) == [("What do you see?", "I see a dog."), ("Stop", "")]
    assert memory.last_reply() == "I see a dog."


def test_of_a_sentence_that_was_broken_off_the_history_holds_what_was_heard_and_all_of_it_is_repeated() -> None:
    memory = ConversationMemory()
    memory.heard(1, "What do you see?")
    memory.played(1, "I see…", begun="I see a dog.")
    assert memory.history() == [("What do you see?", "I see…")]
    assert memory.last_reply() == "I see a dog."
    memory.heard(2, "And now?")
    memory.played(2, "", begun="I see a cat.")
    assert memory.history()[1] == ("And now?", "")
    assert memory.last_reply() == "I see a cat.", "of which no whole word was heard"


def test_old_exchanges_are_forgotten() -> None:
    memory = ConversationMemory(max_turns=2)
    for turn in range(5):
        memory.heard(turn, f"question {turn}")
        memory.played(turn, f"answer {turn}")
    assert memory.history() == [("question 3", "answer 3"), ("question 4", "answer 4")]
    memory.played(0, "late")
    assert len(memory.history()) == 2
    assert memory.last_reply() == "late"


@pytest.mark.parametrize(
    ("text", "begun", "unsaid"),
    [
        ("One.", "One.", "Two. Three."),
        ("One. T…", "One. Two.", "Two. Three."),
        ("", "One.", "One. Two. Three."),
        ("", "", "One. Two. Three."),
        ("One. Two. Three.", "One. Two. Three.", ""),
    ],
)
def test_what_is_unsaid_begins_with_the_sentence_that_was_broken_off(text: str, begun: str, unsaid: str) -> None:
    memory = ConversationMemory()
    memory.heard(1, "Count to three.")
    memory.intends(1, ["One.", "Two.", "Three."])
    memory.played(1, text, begun=begun)
    memory.heard(2, "Stop.")
    memory.intends(2, [])
    memory.played(2, "")
    assert memory.unsaid() == unsaid, "and a stop, which says nothing, does not change it"
    memory.heard(3, "And now?")
    memory.played(3, "Nobody knew that it would say…", begun="Nobody knew that it would say this.")
    assert memory.unsaid() == ""


def test_an_answer_that_nobody_knows_beforehand_takes_the_place_of_what_was_unsaid_before_its_first_word() -> None:
    memory = ConversationMemory()
    memory.heard(1, "Count to three.")
    memory.intends(1, ["One.", "Two.", "Three."])
    memory.played(1, "One.")
    memory.heard(2, "Who was Newton?")
    memory.improvises()
    memory.played(2, "")
    assert memory.unsaid() == ""
