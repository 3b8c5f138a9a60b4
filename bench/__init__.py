"""Measurements. `make bench` runs them all; each module alone: `python -m bench.<name>`."""
