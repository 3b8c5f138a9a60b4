"""How the assistant is called: the phrase in the recognised text, and cheap networks that listen for it first."""

FIRST_STAGES = {
    "micro": "assistant.wake.micro:MicroWakeWordDetector",
}
