from collections.abc import Callable

import pytest

from assistant.dialogue.phonetics import english_key, keys_of, pinyin_key
from assistant.dialogue.templates import compile_templates, expand_templates, load_templates


@pytest.mark.parametrize(("language", "key"), [("en", english_key), ("zh", pinyin_key)])
def test_many_keys_at_once_are_those_of_each(language: str, key: Callable[[str], str]) -> None:
    sentences = list(expand_templates(compile_templates(load_templates(language, ""))))
    assert keys_of(sentences, key) == [key(sentence) for sentence in sentences]
