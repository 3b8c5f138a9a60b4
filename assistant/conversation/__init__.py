"""One turn after the other: who may speak, what is begun early, what is said, and what is said unasked.

`assistant.turn` puts the parts together.
"""
