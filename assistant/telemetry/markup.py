"""HTML by the standard library's element tree: what it writes is balanced and escaped, whatever was heard."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element


def add(parent: Element, tag: str, text: str = "", attributes: Mapping[str, str] | None = None) -> Element:
    """Append a new element to `parent` and return it."""
    child = ElementTree.SubElement(parent, tag, dict(attributes or {}))
    child.text = text
    return child


def page(root: Element) -> str:
    """The whole document as HTML 5."""
    return "<!doctype html>\n" + ElementTree.tostring(root, encoding="unicode", method="html")
