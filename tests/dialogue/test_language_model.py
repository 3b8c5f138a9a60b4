"""The optional language model, against a real HTTP server on this machine."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

import anyio
import pytest

from assistant.config import Config, DialogueConfig, LanguageModelConfig
from assistant.dialogue.language_model import OpenAiDialogueModel
from assistant.dialogue.sentences import split_sentences
from assistant.errors import AnsweredError, ConfigError, StageError
from assistant.models.store import ModelStore
from assistant.ports import DialogueTurn
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.endpoint import Endpoint, chunk, stream

_TURN = DialogueTurn("Tell me a joke.", "en", (("Hello", "Hi!"), ("Stop", "")), "I see a dog.", "happy")
_THOUGHT = 'data: {"choices": [{"delta": {"content": null, "reasoning_content": "Hm."}}]}'


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


def _ask(url: str, *, timeout_s: float = 5.0, api_key: str = "") -> list[str]:
    model = OpenAiDialogueModel(LanguageModelConfig(url=url, model="small", timeout_s=timeout_s, api_key=api_key))

    async def collect() -> list[str]:
        with anyio.fail_after(20):
            return [piece async for piece in model.reply(_TURN)]

    return anyio.run(collect)


def test_pieces_come_as_the_server_sends_them(endpoint: Endpoint) -> None:
    endpoint.respond = stream(
        ": a comment",
        'data: {"choices": [{"delta": {"role": "assistant"}}]}',
        chunk("Why did "),
        chunk("the 狗?"),
        'data: {"choices": []}',
        "data: [DONE]",
        chunk("never read"),
    )
    assert _ask(endpoint.url) == ["Why did ", "the 狗?"]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_it_thinks_is_not_said_however_it_is_cut(endpoint: Endpoint, size: int) -> None:
    text = "<think>A <b>dog</b>? 狗 </thin> k</think>\n\nIf 1 < 2, <think></think>say <th."
    endpoint.respond = stream(*(chunk(text[at : at + size]) for at in range(0, len(text), size)), "data: [DONE]")
    assert "".join(_ask(endpoint.url)).strip() == "If 1 < 2, say <th."


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_thought_that_never_began_ends_without_its_tag_and_is_told_after_the_answer(
    endpoint: Endpoint, size: int
) -> None:
    text = "A dog? </thin> k</think>It is <think>2?</think>4.</think>"
    endpoint.respond = stream(*(chunk(text[at : at + size]) for at in range(0, len(text), size)), "data: [DONE]")
    model = OpenAiDialogueModel(LanguageModelConfig(url=endpoint.url))
    pieces: list[str] = []

    async def collect() -> None:
        async for piece in model.reply(_TURN):
            pieces.append(piece)

    with pytest.raises(AnsweredError, match="aloud") as caught:
        anyio.run(collect)
    assert "reasoning parser" in (caught.value.remedy or "")
    *_, answer = split_sentences("".join(pieces))
    assert answer == "It is 4."
    assert "think>" not in "".join(pieces)


@pytest.mark.parametrize("lines", [[chunk("<think>Hm."), chunk(" Well")], [chunk("<think></think>\n")], [_THOUGHT]])
def test_one_that_only_thinks_is_said_to_do_that(endpoint: Endpoint, lines: list[str]) -> None:
    endpoint.respond = stream(*lines, "data: [DONE]")
    with pytest.raises(StageError, match="only thought") as caught:
        _ask(endpoint.url)
    assert "thinking" in (caught.value.remedy or "")


def test_thoughts_that_the_server_tells_apart_are_waited_for(endpoint: Endpoint) -> None:
    endpoint.respond = stream(_THOUGHT, _THOUGHT, chunk("Newton."), "data: [DONE]")
    assert _ask(endpoint.url) == ["Newton."]


def test_the_request_carries_history_scene_and_emotion(endpoint: Endpoint) -> None:
    endpoint.respond = stream("data: [DONE]")
    _ask(endpoint.url + "/", api_key="secret")
    path, headers, body = endpoint.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (body["model"], body["stream"]) == ("small", True)
    system, *rest = body["messages"]
    assert "I see a dog." in system["content"]
    assert "happy" in system["content"]
    assert [message["content"] for message in rest] == ["Hello", "Hi!", "Stop\nTell me a joke."]


def test_a_refused_connection_is_named(endpoint: Endpoint) -> None:
    endpoint.close()
    with pytest.raises(StageError, match="cannot be reached") as caught:
        _ask(endpoint.url)
    assert caught.value.remedy


def test_an_error_status_is_named_with_the_servers_words(endpoint: Endpoint) -> None:
    def explode(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(500)
        handler.end_headers()
        handler.wfile.write(b"model exploded")

    endpoint.respond = explode
    with pytest.raises(StageError, match=r"(?s)500.*model exploded"):
        _ask(endpoint.url)


@pytest.mark.parametrize(
    "line",
    ["<html>", "data: {", 'data: {"choices": [{}]}', "data: 3", 'data: {"error": "no memory"}', '{"choices": []}'],
)
def test_garbage_is_an_error_and_no_answer(endpoint: Endpoint, line: str) -> None:
    endpoint.respond = stream(line)
    with pytest.raises(StageError, match="no chat completion"):
        _ask(endpoint.url)


def test_what_is_no_http_at_all_is_an_error(endpoint: Endpoint) -> None:
    endpoint.respond = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    with pytest.raises(StageError, match="cannot be reached"):
        _ask(endpoint.url)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "sent nothing"),
        (": still thinking", "sent nothing"),
        (_THOUGHT, "only thought"),
        (chunk("<think>Hm."), "only thought"),
    ],
)
def test_a_server_that_says_nothing_is_given_up(endpoint: Endpoint, line: str, why: str) -> None:
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        stream()(handler)
        while line and not endpoint.finish.wait(0.02):
            handler.wfile.write(f"{line}\n".encode())
        endpoint.finish.wait(10)

    def tolerant(handler: http.server.BaseHTTPRequestHandler) -> None:
        # The client hangs up, as it should.
        with contextlib.suppress(OSError):
            respond(handler)

    endpoint.respond = tolerant
    with pytest.raises(StageError, match=why):
        _ask(endpoint.url, timeout_s=0.2)


def test_an_interrupted_answer_hangs_up_on_the_server(endpoint: Endpoint) -> None:
    hung_up = threading.Event()

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        stream(chunk("Well"))(handler)
        handler.connection.settimeout(5)
        with contextlib.suppress(OSError):
            if handler.connection.recv(1) == b"":
                hung_up.set()

    endpoint.respond = respond
    model = OpenAiDialogueModel(LanguageModelConfig(url=endpoint.url, timeout_s=20.0))

    async def interrupt() -> None:
        heard = anyio.Event()

        async def listen() -> None:
            async for _ in model.reply(_TURN):
                heard.set()

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await heard.wait()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    anyio.run(interrupt)
    assert hung_up.wait(10)


def test_a_replay_waits_for_the_server_while_its_clock_stands_still(endpoint: Endpoint) -> None:
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        endpoint.finish.wait(0.5)
        stream(chunk("Newton."), "data: [DONE]")(handler)

    endpoint.respond = respond
    model = OpenAiDialogueModel(LanguageModelConfig(url=endpoint.url, timeout_s=20.0))

    async def tick() -> None:
        for _ in range(10_000):
            await anyio.sleep(0.032)  # as a microphone's frames do

    async def main() -> tuple[list[str], float]:
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            pieces = [piece async for piece in model.reply(_TURN)]
            group.cancel_scope.cancel()
        return pieces, anyio.current_time()

    assert run_in_virtual_time(main) == (["Newton."], 0.0)


def test_a_server_that_only_says_that_it_lives_is_given_up_in_a_replay_too(endpoint: Endpoint) -> None:
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        stream()(handler)
        with contextlib.suppress(OSError):  # the client hangs up
            while not endpoint.finish.wait(0.02):
                handler.wfile.write(b": still thinking\n")

    endpoint.respond = respond
    model = OpenAiDialogueModel(LanguageModelConfig(url=endpoint.url, timeout_s=0.2))

    async def main() -> None:
        async for _ in model.reply(_TURN):
            pass

    with pytest.raises(StageError, match="sent nothing"):
        run_in_virtual_time(main)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host/v1", "http://", "nonsense"])
def test_an_unusable_address_is_refused_at_start(url: str) -> None:
    config = Config(dialogue=DialogueConfig(language_model=LanguageModelConfig(url=url)))
    with pytest.raises(ConfigError, match=r"language_model\.url"):
        OpenAiDialogueModel.create(config, ModelStore())
