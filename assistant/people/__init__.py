"""Knowing people by their faces: only those who were introduced and agreed, only on this device."""
