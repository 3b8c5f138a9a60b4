"""How a person feels: three channels, each an `assistant.ports.EmotionChannel`, and their fusion.

Adding a channel is one file and one line here (and, if it should count differently from an unknown one, one line in
`assistant.emotion.fusion.TRUST`).
"""

CHANNELS = {
    "face": "assistant.emotion.face:FaceEmotion",
    "voice": "assistant.emotion.voice:VoiceEmotion",
    "text": "assistant.emotion.text:TextEmotion",
}
