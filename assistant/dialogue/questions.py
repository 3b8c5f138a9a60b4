"""A question that the assistant asked back: "For how long?" – "five minutes"."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.normalization import normalize
from assistant.han import script_language
from assistant.ports import Intent, Interpreter
from assistant.skills import Question


class OpenQuestion:
    """The question that the next utterance may answer, if there is one."""

    def __init__(self) -> None:
        self.asked: tuple[Question, Intent] | None = None
        """The question and the request that it is about."""

    def ask(self, question: Question, about: Intent) -> None:
        """What is said next may answer `question`."""
        self.asked = question, about

    def close(self) -> None:
        """Something was said: the question is answered, or dropped."""
        self.asked = None

    def interpret(self, interpreter: Interpreter, text: str, language: str) -> Intent | None:
        """What `text` asks for: a request of its own, or with the question the one that it completes."""
        intent = interpreter.interpret(text, language)
        if intent is not None or self.asked is None:
            return intent
        question, about = self.asked
        sentence = question.sentences[script_language(text)].format(normalize(text))
        completed = interpreter.interpret(sentence, language)
        if completed is None or completed.name != about.name:
            return None
        return replace(completed, slots={**about.slots, **completed.slots}, text=text)
