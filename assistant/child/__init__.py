"""Processes for what may hang or crash in native code: asked over a pipe, killed and replaced."""
