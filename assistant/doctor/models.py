"""The models: those that the configuration uses byte by byte, the others at a glance."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.doctor.check import Check, Patient
from assistant.errors import AssistantError
from assistant.models.store import ModelStore
from assistant.models.used import used_models


def examine(patient: Patient) -> Iterator[Check]:
    """Whether they are installed, and still what was installed."""
    store = ModelStore(patient.config.models.dir)
    used = used_models(patient.config)
    for name in (*used, *(name for name in store.default_names() if name not in used)):
        yield _model(store, name, name in used)


def _model(store: ModelStore, name: str, used: bool) -> Check:
    try:
        found = store.state(name)
        if used and found.state == "installed":
            store.verify(name)
    except AssistantError as error:  # the configuration may name a model that does not exist; its bytes may be wrong
        return Check(f"model {name}", False, error.message, error.remedy or "", needed=used)
    text = found.state if used else f"{found.state}; this configuration does not use it"
    if used and found.state == "installed":
        text = "installed, its hashes are right"
    remedy = f"Run: assistant models pull {name}"
    return Check(f"model {name}", found.state == "installed", text, remedy, needed=used)
