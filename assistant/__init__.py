"""The on-device runtime of Edge Assistant. Importing it loads no heavy dependency and has no side effect."""

__version__ = "0.1.0"
