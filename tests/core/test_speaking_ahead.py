import anyio
import pytest

from assistant.conversation.speaking_ahead import VoicesAhead
from assistant.ports import SpeakingStyle
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
