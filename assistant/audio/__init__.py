"""Sound in and out: microphone and speaker through PortAudio, and files that stand in for them."""

SAMPLE_RATE_HZ = 16_000
"""Rate of everything that is heard; recognisers and detectors are trained at it."""

FRAME_SAMPLES = 512
"""Samples a frame (32 ms): the step of the voice-activity detector."""
