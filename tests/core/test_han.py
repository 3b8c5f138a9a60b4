"""What is Chinese: every module asks the same question of the same characters."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from assistant.han import contains_han, script_language

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("text", ["你好", "USB 接口", "㐀", "鿿"])
def test_chinese_characters_make_it_chinese(text: str) -> None:
    assert contains_han(text)
    assert script_language(text) == "zh"


@pytest.mark.parametrize("text", ["", "What do you see?", "…。，", "ねこ", "고양이", "䷀"])
def test_other_characters_do_not(text: str) -> None:
    assert not contains_han(text)
    assert script_language(text) == "en"


def test_nobody_has_a_range_of_his_own() -> None:
    own = [
        path
        for path in (ROOT / "assistant").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(end in node.value for end in ("-\\u9fff", "-\u9fff", "-\\u9fa5", "-\u9fa5"))
    ]
    assert own == [ROOT / "assistant" / "han.py"]
