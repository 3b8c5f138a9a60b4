"""What `assistant doctor` looks at: one file a topic, each examined apart from the others, so that none can spoil them.

A topic is a function from a `Patient` to checks and one line in `TOPICS`.
"""

TOPICS = {
    "software": "assistant.doctor.software:examine",
    "service": "assistant.doctor.service:examine",
    "sound": "assistant.doctor.sound:examine",
    "sound stack": "assistant.doctor.sound_stack:examine",
    "echo": "assistant.doctor.echo:examine",
    "camera": "assistant.doctor.camera:examine",
    "models": "assistant.doctor.models:examine",
    "engines": "assistant.doctor.engines:examine",
    "permissions": "assistant.doctor.permissions:examine",
    "storage": "assistant.doctor.storage:examine",
    "machine": "assistant.doctor.machine:examine",
    "time": "assistant.doctor.time:examine",
}
"""In the order in which they are shown."""
