from contextlib import aclosing

import anyio
import pytest

from assistant.conversation.speaking_ahead import VoicesAhead
from assistant.ports import SpeakingStyle
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.conversation import HummingVoices


@pytest.mark.parametrize(
    ("asked", "language", "style", "synthesized"),
    [
        ("It's noon.", "en", SpeakingStyle(rate=1.02, pitch=1.01), 1),
        ("It's noon.", "en", SpeakingStyle(rate=1.05), 2),
        ("It's noon.", "en", SpeakingStyle(volume=0.9), 2),
        ("It's one.", "en", SpeakingStyle(rate=1.01), 2),
        ("It's noon.", "zh", SpeakingStyle(rate=1.01), 2),
    ],
)
def test_a_sentence_made_ahead_is_said_if_it_sounds_as_asked(
    asked: str, language: str, style: SpeakingStyle, synthesized: int
) -> None:
    voices = HummingVoices(takes_s=0.0)

    async def main() -> int:
        ahead = VoicesAhead(voices)
        await ahead.prepare("It's noon.", "en", SpeakingStyle(rate=1.01))
        return len([block async for block in ahead.speak(asked, language, style)])

    assert anyio.run(main) == 2
    assert len(voices.spoken) == synthesized


def test_a_sentence_made_ahead_that_was_broken_off_is_made_anew():
    async def main() -> list[int]:
        voices = VoicesAhead(HummingVoices(takes_s=1.0))
        style, counts = SpeakingStyle(), []
        async with anyio.create_task_group() as group:
            group.start_soon(voices.prepare, "It's noon.", "en", style)
            await anyio.sleep(0.5)
            for most in (1, 9):
                async with aclosing(voices.speak("It's noon.", "en", style)) as blocks:
                    count = 0
                    async for _ in blocks:
                        count += 1
                        if count == most:
                            break
                    counts.append(count)
        return counts

    assert run_in_virtual_time(main) == [1, 2]
