"""Understanding what was said, and finding the words of the answer."""

INTERPRETERS = {
    "hassil": "assistant.dialogue.interpreter:HassilInterpreter",
}

DIALOGUE_MODELS = {
    "openai": "assistant.dialogue.language_model:OpenAiDialogueModel",
}
