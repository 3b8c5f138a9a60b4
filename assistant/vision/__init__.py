"""Seeing: cameras, the networks that look at their pictures, and the watcher that decides when they look."""

DETECTORS = {
    "centernet": "assistant.vision.centernet:CenterNetDetector",
}
FACE_DETECTORS = {
    "blazeface": "assistant.vision.blazeface:BlazeFaceDetector",
}
TAGGERS = {
    "efficientnet": "assistant.vision.efficientnet:EfficientNetTagger",
}
TEXT_READERS = {
    "rapidocr": "assistant.vision.rapidocr_reader:RapidOcrReader",
}
