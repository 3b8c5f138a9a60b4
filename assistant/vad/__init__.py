"""Voice activity: the probability of speech in a frame, and the endpointing around it."""

DETECTORS = {
    "silero": "assistant.vad.silero:SileroDetector",
    "energy": "assistant.vad.energy:EnergyDetector",
}
