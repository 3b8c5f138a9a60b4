"""What can be exported. A recipe is one file here and one line in this table."""

RECIPES = {
    "object-detector": "export.recipes.object_detector:RECIPE",
    "face-detector": "export.recipes.face_detector:RECIPE",
    "face-emotion": "export.recipes.face_emotion:RECIPE",
    "voice-activity": "export.recipes.voice_activity:RECIPE",
    "image-encoder": "export.recipes.image_encoder:EFFICIENTNET",
    "image-encoder-vit": "export.recipes.image_encoder:VIT",
    "image-encoder-mobilenet": "export.recipes.image_encoder:MOBILENET",
}
