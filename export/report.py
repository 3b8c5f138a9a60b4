"""The report of a bundle."""

from __future__ import annotations
from assistant.inference.bundle import Bundle


def report_of(bundle: Bundle) -> str:
    """Later."""
    return bundle.manifest.recipe
