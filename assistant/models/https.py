"""Downloads by https, resumed where they were cut off."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import assistant
from assistant.errors import IntegrityError, SourceError

TIMEOUT_S = 30.0
"""Longest silence of the server."""
ATTEMPTS = 5
RETRY_WAIT_S = 1.0
BLOCK_BYTES = 1 << 18


class _SameProtection(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise SourceError(f"{req.full_url} leads to the unprotected address {newurl}.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, target: Path, advance: Callable[[int], None], *, max_bytes: int) -> None:
    """Fetch `url` into `target`.

    What arrived is kept in `target`.part beside the server's version tag, so that a later call goes on from there.
    Raises `SourceError` when the server cannot be reached or refuses, `IntegrityError` beyond `max_bytes`.
    """
    part = target.with_name(target.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _attempt(url, part, advance, max_bytes)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS:
                raise SourceError(f"{url} answered {error.code} {error.reason}.") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
            if attempt == ATTEMPTS:
                raise SourceError(
                    f"{url} cannot be fetched: {getattr(error, 'reason', error)}.",
                    remedy="Check the network and try again; what arrived is kept.",
                ) from error
        else:
            part.replace(target)
            _tag_file(part).unlink(missing_ok=True)
            return
        time.sleep(RETRY_WAIT_S * attempt)


def _attempt(url: str, part: Path, advance: Callable[[int], None], max_bytes: int) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": f"edge-assistant/{assistant.__version__}"})
    tag_file = _tag_file(part)
    done = part.stat().st_size if part.exists() and tag_file.exists() else 0
    if done:
        request.add_header("Range", f"bytes={done}-")
        request.add_header("If-Range", tag_file.read_text(encoding="utf-8"))
    opener = urllib.request.build_opener(_SameProtection)
    try:
        response = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        part.unlink()  # longer than what the server has: begin anew
        raise ConnectionError("the server has another file now") from error
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0
            _remember_tag(tag_file, response.headers)
        expected = done + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        if max(done, expected or 0) > max_bytes:
            raise IntegrityError(f"{url} has {expected:,} bytes, more than the {max_bytes:,} that it may have.")
        with part.open("ab" if done else "wb") as file:
            while block := response.read(BLOCK_BYTES):
                file.write(block)
                done += len(block)
                if done > max_bytes:
                    raise IntegrityError(f"{url} sends more than the {max_bytes:,} bytes that it may have.")
                advance(done)
    if expected is not None and done != expected:
        raise ConnectionError(f"the connection ended after {done:,} of {expected:,} bytes")


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def _remember_tag(tag_file: Path, headers: Any) -> None:
    """Keep what identifies the server's file; without it a download is not resumed but begun anew."""
    etag = headers.get("ETag", "")
    tag = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    if tag:
        tag_file.write_text(tag, encoding="utf-8")
    else:
        tag_file.unlink(missing_ok=True)
