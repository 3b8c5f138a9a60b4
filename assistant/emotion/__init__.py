"""How a person feels: three channels, each an `assistant.ports.EmotionChannel`, and their fusion.

Adding a channel is one file and one line here; the learned fusion trusts one that it has not met little. Adding a
fusion, an `assistant.ports.EmotionFusionHead`, is the same.
"""

CHANNELS = {
    "face": "assistant.emotion.face:FaceEmotion",
    "voice": "assistant.emotion.voice:VoiceEmotion",
    "text": "assistant.emotion.text:TextEmotion",
}

FUSIONS = {
    "pooling": "assistant.emotion.pooling:LogLinearPooling",
    "attention": "assistant.emotion.fusion_network:AttentionFusion",
    "concatenation": "assistant.emotion.fusion_network:ConcatenationFusion",
    "fixed": "assistant.emotion.fixed_weights:FixedWeights",
}
