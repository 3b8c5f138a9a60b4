"""Describing: a scene in a sentence or two, behind `assistant.ports.Captioner`."""

CAPTIONERS = {
    "grounded": "assistant.caption.grounded:GroundedCaptioner",
    "neural": "assistant.caption.neural:NeuralCaptioner",
}
