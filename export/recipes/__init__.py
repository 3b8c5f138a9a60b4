"""What can be exported. A recipe is one file here and one line in this table."""

RECIPES = {
    "object-detector": "export.recipes.object_detector:RECIPE",
    "face-detector": "export.recipes.face_detector:RECIPE",
    "face-emotion": "export.recipes.face_emotion:RECIPE",
    "voice-activity": "export.recipes.voice_activity:RECIPE",
    "speech-encoder": "export.recipes.speech:ENCODER",
    "speech-decoder": "export.recipes.speech:DECODER",
    "captioner-encoder": "export.recipes.captioner:ENCODER",
    "captioner-decoder": "export.recipes.captioner:DECODER",
    "captioner-blip-encoder": "export.recipes.captioner:BLIP_ENCODER",
    "captioner-blip-decoder": "export.recipes.captioner:BLIP_DECODER",
    "image-encoder": "export.recipes.image_encoder:EFFICIENTNET",
    "image-encoder-vit": "export.recipes.image_encoder:VIT",
    "image-encoder-mobilenet": "export.recipes.image_encoder:MOBILENET",
}

PAIRS = {name: (f"{name}-encoder", f"{name}-decoder") for name in ("speech", "captioner", "captioner-blip")}
"""Names for both networks of those that write text."""
