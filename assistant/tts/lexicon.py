"""hibari's English front end with its dictionaries in a file: in memory they take 95 MB and 0.3 s at every start.

They are written once, to the user's cache; where nothing can be written they stay in memory.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import platformdirs
from hibari.g2p import G2P, _load_json
from hibari.g2p.lexicon import Lexicon
from hibari.g2p.tagger import Tagger
from hibari.g2p.tokenize import Tokenizer

from assistant.atomic import replace_file
from assistant.heap import trim_heap

_LOG = logging.getLogger(__name__)


def load_front_end(folder: Path | None = None) -> G2P:
    """The American front end; `folder` keeps its dictionaries, None for the user's cache."""
    folder = folder or platformdirs.user_cache_path("edge-assistant") / "voices"
    file = folder / f"hibari-{importlib.metadata.version('hibari-tts')}.sqlite"
    try:
        try:
            return _FileFrontEnd(file)
        except sqlite3.Error:  # missing, or damaged
            with replace_file(file) as temporary:
                _write(temporary)
            for other in set(folder.glob("hibari-*.sqlite")) - {file}:  # of another version of the package
                other.unlink(missing_ok=True)
            trim_heap()
            return _FileFrontEnd(file)
    except (OSError, sqlite3.Error) as error:
        _LOG.info("The English dictionaries stay in memory, for %s cannot be used: %s", file, error)
        return G2P()


class _FileFrontEnd(G2P):  # type: ignore[misc]
    """What `G2P()` is, but for where the dictionaries are."""

    def __init__(self, file: Path) -> None:
        """Raises `sqlite3.Error` for a file that is missing, or visibly damaged."""
        self._file = file
        # The file is replaced whole and never changed, so that SQLite need not lock it.
        self._database = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        try:
            self._use(self._database)
        except sqlite3.Error:
            self._database.close()
            raise

    def _use(self, database: sqlite3.Connection) -> None:
        gold, silver, tags, weights, vocabulary = (
            _FileDict(database, name) for name in ("gold", "silver", "tags", "weights", "vocabulary")
        )
        self.lexicon = Lexicon(gold, silver)
        self.tokenizer = Tokenizer(_load_json("tokenizer_exceptions.json"))
        self.tagger = Tagger(
            {"tagdict": tags, "weights": weights, "tags": list(_FileDict(database, "all").get("tags"))}
        )
        self.tagger.vocab = vocabulary
        self._oov = None
        self.unk = ""
        self.british = False

    def __call__(self, text: str, normalize_text: bool = True) -> str:
        """The phonemes of a line. Where the file turns out to be damaged, the dictionaries are in memory from now on,
        and the next start writes it anew."""
        try:
            return str(super().__call__(text, normalize_text))
        except (sqlite3.Error, json.JSONDecodeError) as error:
            _LOG.warning("The English dictionaries in %s are damaged, and stay in memory: %s", self._file, error)
            self._database.close()
            with suppress(OSError):
                self._file.unlink()
            super().__init__()
            return str(super().__call__(text, normalize_text))


class _FileDict:
    """As much of a dictionary as the front end uses."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        """Raises `sqlite3.Error` for a file that is damaged."""
        self._database = database
        self._name = name
        self.get("")

    def get(self, key: str) -> Any:
        found = self._database.execute(
            "SELECT value FROM entry WHERE name = ? AND key = ?", (self._name, key)
        ).fetchone()
        return None if found is None else json.loads(found[0])

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None


def _write(file: Path) -> None:
    tagger = _load_json("tagger.json.gz")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE entry (name TEXT, key TEXT, value TEXT, PRIMARY KEY (name, key)) WITHOUT ROWID")
        _fill(database, "gold", _load_json("lexicon_us_gold.json.gz").items())
        _fill(database, "silver", _load_json("lexicon_us_silver.json.gz").items())
        _fill(database, "tags", tagger["tagdict"].items())
        _fill(database, "weights", tagger["weights"].items())
        _fill(database, "vocabulary", ((word, True) for word in tagger["vocab"]))
        _fill(database, "all", [("tags", tagger["tags"])])


def _fill(database: sqlite3.Connection, name: str, entries: Iterable[tuple[str, Any]]) -> None:
    encode = json.JSONEncoder(ensure_ascii=False).encode  # made once: `json.dumps` would make 300,000
    rows = ((name, key, encode(value)) for key, value in sorted(entries))
    database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
