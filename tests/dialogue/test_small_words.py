"""What was said over a reply: a nod, a stop, or something."""

import pytest

from assistant.dialogue.small_words import acknowledges, is_backchannel, is_hum, is_stop, unclear_stop
from assistant.ports import Recognition

HUMS = [
    "Mm-hmm.",
    "mhm",
    "Mhm, mhm.",
    "Uh-huh",
    "uh huh",
    "Hmm",
    "Ah.",
    "",
    "(coughs)",
    "[music]",
    "嗯",
    "嗯嗯。",
    "哦",
    "【笑】",
]
NODS = [
    "Yeah.",
    "Yeah, okay.",
    "I see.",
    "Oh wow.",
    "Right.",
    "对",
    "对对对",
    "是的",
    "嗯，好的",
    "哦这样啊",
    "没错",
    "嗯 嗯 好的",
    "go on",
    "Don't stop!",
    "别停",
    "继续说",
    "Please don't stop talking.",
    "Oh, please do not stop now.",
    "keep reading",
    "你先别停",
    "不要停下来",
    "别再停了",
    "别听了",
    "知道了。",
]
WORDS = [
    "no", "what", "Okay stop", "I see what you mean", "yes yes yes yes yes yes", "What time is it?", "嗯那几点了",
    "好难", "m" * 60 + "x", "对面有人吗", "是不是", "停", "好好好好好好好好好",
    "don't stop the timer", "stop", "别听我说话", "别说了", "不停",
]  # fmt: skip
STOPS = [
    "stop stop stop", "Stop! Stop!", "no stop", "wait stop", "no no wait stop it", "I said stop", "okay stop that now",
    "can you stop please", "stop ringing", "be quiet please", "enough enough",
    "停停停", "停停", "停 停", "快停", "你停一下", "先停下来吧", "别响了", "你别说了", "我说停", "行了行了别吵了",
    "Hold on.", "hey, hold on a minute please", "Wait a second.", "wait wait wait", "hang on", "one moment",
    "just a sec", "Pause.", "等一下", "你先等一下吧", "稍等", "请稍等一下", "等会儿", "等等等等", "先别说", "暂停一下",
]  # fmt: skip
NO_STOPS = [
    "", "no", "wait", "please", "I said", "stop the music in ten minutes", "stop the timer", "don't stop", "bus stop",
    "where do I stop", "non-stop", "stop it " * 5,
    "别停", "不停", "不要停下来", "停车", "雨停了", "停电了", "公交车停哪里", "别说他", "你快点", "停" * 13,
    "hold on to that thought", "pause the music", "one minute", "等我五分钟", "等一下提醒我", "等一下现在几点",
]  # fmt: skip
RECEIPTS = [
    "okay", "OK.", "All right.", "alright, thanks", "Got it.", "Oh, got it, thanks.", "Got it, thank you.",
    "Thanks!", "okay, thank you",
    "好", "好的。", "嗯，好的", "好了好了", "知道了", "好的，知道了", "谢谢", "收到", "OK，谢谢",
]  # fmt: skip
NO_RECEIPTS = [
    "", "mhm", "Yeah.", "Wow.", "Right.", "I see.", "yes", "please", "don't stop", "continue", "go on", "Thank you.",
    "okay what", "嗯", "对", "是的", "别听了", "别停", "继续", "真的吗", "好难",
]  # fmt: skip


@pytest.mark.parametrize("text", HUMS)
def test_a_hum_holds_no_word(text: str) -> None:
    assert is_hum(text)
    assert is_backchannel(text)


@pytest.mark.parametrize("text", NODS)
def test_a_nod_says_that_someone_listens(text: str) -> None:
    assert is_backchannel(text)
    assert not is_hum(text)


@pytest.mark.parametrize("text", RECEIPTS)
def test_who_says_so_has_heard_what_rings(text: str) -> None:
    assert acknowledges(text)


@pytest.mark.parametrize("text", NO_RECEIPTS)
def test_what_may_be_a_television_or_noise_does_not_say_that_a_ring_was_heard(text: str) -> None:
    assert not acknowledges(text)


@pytest.mark.parametrize("text", WORDS)
def test_words_are_words(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", STOPS)
def test_stop_is_stop_however_often_and_with_whatever_small_words(text: str) -> None:
    assert is_stop(text)
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", NO_STOPS)
def test_words_that_only_contain_a_stop_say_something_else(text: str) -> None:
    assert not is_stop(text)


@pytest.mark.parametrize(
    ("text", "perhaps", "stop"),
    [
        ("听了", (), "停"),
        ("你听了。", (), "停"),
        ("挺挺挺", (), "停"),
        ("停了", (), "停"),
        ("We'll stop.", (), "Stop"),
        ("We’ll stop.", (), "Stop"),
        ("The stop.", (), "Stop"),
        ("天啊", ("停下。停下。",), "停"),
        ("Tio", ("See you.", "停。"), "停"),
        ("Gustavo", ("Stop. Stop. Stop.",), "Stop"),
        ("Just a minute, please.", (), "Stop"),
        ("天啊", ("天啊。",), None),
        ("five minutes", (), None),
        ("红色", (), None),
        ("听音乐", (), None),
        ("挺好", (), None),
        ("停车", (), None),
        ("嗯", ("停下。",), None),
        ("", ("Stop.",), None),
        ("Don't stop.", ("Don't stop.", "停下。"), None),
        ("stop the music", (), None),
        ("Never stop.", (), None),
        ("Can't stop.", (), None),
        ("Won't stop.", (), None),
        ("Bus stop.", (), None),
        ("Full stop.", (), None),
    ],
)
def test_what_may_have_been_a_stop_is_one_over_a_reply(text: str, perhaps: tuple[str, ...], stop: str | None) -> None:
    assert unclear_stop(Recognition(text, "en", 0.5, perhaps)) == stop


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("Hold on. I have a question.", "Stop"),
        ("No wait, I have a question.", "Stop"),
        ("等等，我有个问题", "停"),
        ("I have a question. Hold on.", None),
        ("The bus stop, where is it?", None),
    ],
)
def test_who_begins_with_a_stop_has_said_one_if_nobody_understands_the_rest(text: str, stop: str | None) -> None:
    assert unclear_stop(Recognition(text, "en", 0.5), alone=False) == stop
    assert unclear_stop(Recognition(text, "en", 0.5)) is None
