"""One call against real servers in processes of their own."""

import asyncio
import json
import os
import socket
import subprocess
import sys

import aiohttp
import pytest

from evalhub.candidates import calling
from evalhub.candidates.connecting import GuardedConnector, GuardedResolver
from evalhub.candidates.prompting import build_body
from tests.candidates.asking import KEY, PLAN, ask

BOTH_WAYS = pytest.mark.parametrize("streams", [False, True])


@BOTH_WAYS
def test_an_answer_comes_with_tokens_and_times(ask_model, model_endpoint, streams):
    model_endpoint.replay(
        [
            {
                "prompt": "hello",
                "outputs": {"m": {"text": "Hallo Welt" * 30, "usage": {"prompt_tokens": 9, "completion_tokens": 60}}},
            }
        ]
    )

    reply = ask_model("m", streams=streams)

    assert (reply.text, reply.finish_reason, reply.cause, reply.error, reply.raw) == (
        "Hallo Welt" * 30,
        "stop",
        "",
        "",
        "",
    )
    assert (reply.prompt_tokens, reply.completion_tokens) == (9, 60)
    assert (reply.first_token_ms is not None) is streams
    assert 0 < (reply.first_token_ms or 0.001) < reply.total_ms < 10_000
    assert model_endpoint.counts()["keys"] == [KEY]


@BOTH_WAYS
def test_tool_calls_arrive_with_their_arguments_as_sent(ask_model, model_endpoint, streams):
    calls = [{"name": "look_up", "arguments": '{"order":  "' + "7" * 90 + '"'}, {"name": "close", "arguments": "{}"}]
    model_endpoint.replay([{"prompt": "hello", "outputs": {"m": {"text": None, "tool_calls": calls}}}])

    reply = ask_model("m", streams=streams)

    assert reply.tool_calls == [
        {"id": "call_0", "name": "look_up", "arguments": '{"order":  "' + "7" * 90 + '"'},
        {"id": "call_1", "name": "close", "arguments": "{}"},
    ]
    assert (reply.text, reply.cause, reply.finish_reason) == ("", "", "tool_calls")


@BOTH_WAYS
@pytest.mark.parametrize(
    ("model", "cause", "is_transient", "part_of_sentence"),
    [
        ("fault:status?code=400&message=bad+temperature", "bad_request", False, "(400): “bad temperature”"),
        ("fault:status?code=401", "auth", False, "refuses the key (401)"),
        ("fault:status?code=402", "quota", False, "quota or credit is used up (402)"),
        ("fault:status?code=403", "auth", False, "(403)"),
        ("fault:status?code=404", "not_found", False, "Check the base URL"),
        ("fault:status?code=408", "timeout", True, "(408)"),
        ("fault:status?code=409", "server_error", True, "(409)"),
        ("fault:status?code=413", "too_large", False, "Shorten the prompt"),
        ("fault:status?code=422", "bad_request", False, "(422)"),
        ("fault:status?code=425", "server_error", True, "(425)"),
        ("fault:status?code=429", "rate_limited", True, "too many requests (429)"),
        ("fault:status?code=429&error_code=insufficient_quota", "quota", False, "(429)"),
        ("fault:status?code=500", "server_error", True, "The endpoint failed (500)"),
        ("fault:status?code=503", "server_error", True, "(503)"),
        ("fault:status?code=529", "server_error", True, "(529)"),
        ("fault:reset", "reset", True, "The connection broke"),
        ("fault:html", "not_json", True, "an HTML page"),
        ("fault:empty", "empty", True, "is empty"),
        ("fault:null", "empty", True, "(null)"),
        ("fault:truncated", "reset", True, "The connection broke"),
        ("fault:cut-stream", "truncated_stream", True, "broke off"),
        ("fault:no-choices", "no_choices", True, "no choices"),
        ("fault:big-body", "too_large", False, "larger than 16 MB"),
        ("fault:gzip-bomb", "too_large", False, "larger than 16 MB"),
    ],
)
def test_each_fault_has_its_cause_and_its_sentence(ask_model, streams, model, cause, is_transient, part_of_sentence):
    reply = ask_model(model, streams=streams)

    assert (reply.cause, reply.is_transient, reply.text, reply.tool_calls) == (cause, is_transient, "", [])
    assert part_of_sentence in reply.error
    assert reply.error.endswith(".")
    assert len(reply.raw) <= 20_000


@BOTH_WAYS
@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("fault:nul", "before\ufffdafter"),
        ("fault:surrogate", "before\ufffdafter"),
        ("fault:invalid-utf8", "before\ufffd\ufffdafter"),
    ],
)
def test_characters_that_cannot_be_stored_are_replaced_visibly(ask_model, streams, model, text):
    assert ask_model(model, streams=streams).text == text


def test_content_null_with_a_tool_call_is_an_answer(ask_model):
    reply = ask_model("fault:calls-only")

    assert (reply.cause, reply.text, reply.tool_calls[0]["name"]) == ("", "", "look_up")


def test_a_long_text_is_cut_and_says_so(ask_model):
    reply = ask_model("fault:long-text?bytes=10000000")

    assert (len(reply.text), reply.truncated, reply.cause) == (1_000_000, True, "")


@BOTH_WAYS
def test_the_deadline_covers_an_endpoint_that_hangs(ask_model, streams):
    reply = ask_model("fault:hang?seconds=60", streams=streams, timeout_seconds=0.3)

    assert (reply.cause, reply.is_transient) == ("timeout", True)
    assert reply.error.startswith("There was no answer within 0.3 s.")
    assert 300 <= reply.total_ms < 5_000


def test_the_deadline_covers_an_endpoint_that_drips(ask_model):
    reply = ask_model("fault:drip?every=0.05", timeout_seconds=0.5)

    assert (reply.cause, reply.raw[:6]) == ("timeout", '{"id":')
    assert 500 <= reply.total_ms < 5_000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("600", 600), ("3600", None), ("-5", None), ("abc", None), ("nan", None)],
)
def test_retry_after_is_read_and_nonsense_is_not(ask_model, header, seconds):
    assert ask_model(f"fault:status?code=429&retry_after={header}").retry_after == seconds


def test_nothing_listens(ask_model):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    reply = ask(f"http://127.0.0.1:{port}/v1", "m")

    assert (reply.cause, reply.is_transient) == ("connect", True)
    assert reply.error.startswith(f"Nothing answers at 127.0.0.1:{port}: ")


def test_a_name_that_does_not_exist():
    reply = ask("http://no-such-host.invalid/v1", "m")

    assert (reply.cause, reply.error) == (
        "connect",
        "The name no-such-host.invalid cannot be resolved. Check the base URL.",
    )


def test_tls_towards_a_server_without_it(model_endpoint):
    reply = ask(model_endpoint.url.replace("http:", "https:"), "m")

    assert (reply.cause, "does not speak TLS" in reply.error) == ("connect", True)


@pytest.mark.parametrize(
    ("model", "cause", "part_of_sentence"),
    [
        ("redirect", "not_found", "redirects to http://127.0.0.1:1/elsewhere (302)"),
        ("not http", "not_json", "does not speak HTTP"),
        ("endless header", "not_json", "does not speak HTTP"),
        ("deep", "not_json", "not complete JSON"),
        ("a list", "no_choices", "not an answer of the chat API"),
        ("null content", "empty", "neither text nor a tool call"),
        ("half gzipped", "reset", "broke"),
        ("damaged gzip", "not_json", "damaged"),
        ("brotli", "not_json", "“br”"),
        ("only reasoning", "empty", "neither text nor a tool call"),
        ("only done", "no_choices", "no choices"),
        ("no events", "empty", "ended without an event"),
        ("broken event", "not_json", "not complete JSON"),
        ("error in stream", "server_error", "“Overloaded”"),
        ("error as answer", "rate_limited", "(429): “Slow down”"),
        ("quota", "quota", "You exceeded your quota"),
        ("html error", "server_error", "The endpoint failed (502). It may work later."),
        ("fastapi", "bad_request", "too hot"),
    ],
)
def test_odd_answers_have_a_cause_and_a_sentence(ask_odd, model, cause, part_of_sentence):
    reply = ask_odd(model)

    assert (reply.cause, reply.text) == (cause, "")
    assert part_of_sentence in reply.error


@pytest.mark.parametrize(
    ("model", "text", "reason"),
    [
        ("gzipped", "fine", "stop"),
        ("byte order mark", "fine", "stop"),
        ("long integer", "fine", "stop"),
        ("odd shapes", "", ""),
        ("cut short", "", "length"),
        ("withheld", "", "content_filter"),
        ("says nothing", "", "stop"),
        ("refusal", "I cannot help.", "stop"),
        ("first reasoning", "Yes", "stop"),
        ("carriage returns", "one two", "stop"),
        ("comments", "kept", "stop"),
        ("no empty line at the end", "kept", "stop"),
        ("no done", "kept", "stop"),
        ("no reason", "kept", ""),
        ("surrogates apart", "😀", "stop"),
        ("hanging after done", "kept", "stop"),
    ],
)
def test_odd_answers_that_are_answers(ask_odd, model, text, reason):
    reply = ask_odd(model)

    assert (reply.cause, reply.error) == ("", "")
    assert (reply.text, reply.finish_reason) == (text, reason)


@pytest.mark.parametrize("streams", [True, False])
def test_what_comes_decides_how_it_is_read_not_what_was_asked(ask_odd, streams):
    assert ask_odd("good", streams=streams).text == "fine"
    assert ask_odd("carriage returns", streams=streams).text == "one two"


def test_arguments_sent_as_an_object_become_their_text(ask_odd):
    assert ask_odd("arguments as an object").tool_calls == [{"id": "a", "name": "f", "arguments": '{"x": 1}'}]


def test_stream_options_are_left_out_where_they_are_refused(ask_odd, odd_endpoint):
    reply = ask_odd("choosy", streams=True)

    assert (reply.text, reply.cause) == ("without", "")
    assert "stream_options" not in odd_endpoint.last_asked()
    assert odd_endpoint.last_asked()["stream"] is True


def test_the_token_limit_is_renamed_where_that_is_wanted(ask_odd, odd_endpoint):
    reply = ask_odd("reasoning", max_tokens=50)

    assert (reply.text, reply.cause) == ("fine", "")
    assert odd_endpoint.last_asked()["max_completion_tokens"] == 50
    assert "max_tokens" not in odd_endpoint.last_asked()


@pytest.mark.parametrize("model", ["echoes the key", "answers with the key"])
def test_a_key_that_comes_back_is_taken_out(ask_odd, model):
    reply = ask_odd(model)

    assert "[key]" in reply.text + reply.error
    assert KEY not in repr(reply)
    assert KEY not in json.loads(json.dumps(repr(reply)))


def test_no_key_no_header(model_endpoint):
    reply = ask(model_endpoint.url, "echo", key=None)

    assert (reply.text, model_endpoint.counts()["keys"]) == ("hello", [""])


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/v1", "http://127.1/v1", "http://[::ffff:127.0.0.1]/v1", "file:///etc"]
)
def test_a_refused_address_opens_no_socket(url):
    reply = ask(url, "m")

    assert (reply.cause, reply.is_transient, reply.raw) == ("refused_address", False, "")
    assert reply.total_ms < 1_000


class TwoAddresses(GuardedResolver):
    """Resolves every name to a public address and to this machine."""

    async def look_up(self, host, port, family):
        return [
            {"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for address in ("93.184.216.34", "127.0.0.1")
        ]


def test_a_name_with_a_public_and_a_private_address_is_refused(model_endpoint):
    port = model_endpoint.url.rpartition(":")[2].removesuffix("/v1")
    plan = PLAN | {"base_url": f"http://models.example:{port}/v1", "model": "echo"}

    async def once():
        async with aiohttp.ClientSession(connector=GuardedConnector(1, TwoAddresses())) as session:
            return await calling.call(session, plan, None, build_body(plan, {"messages": []}))

    reply = asyncio.run(once())

    assert reply.cause == "refused_address"
    assert "models.example, which is 127.0.0.1, is a private address" in reply.error
    assert model_endpoint.counts()["total"] == 0


def test_calls_share_connections_and_go_out_together(model_endpoint):
    plan = PLAN | {"base_url": model_endpoint.url, "model": "echo?delay=0.2"}

    async def many():
        async with calling.open_session(8) as session:
            bodies = [build_body(plan, {"messages": [{"role": "user", "content": str(n)}]}) for n in range(24)]
            return await asyncio.gather(*(calling.call(session, plan, None, body) for body in bodies))

    replies = asyncio.run(many())

    assert [reply.text for reply in replies] == [str(n) for n in range(24)]
    assert model_endpoint.counts()["most_at_once"] == 8


def test_more_large_answers_than_are_read_at_once_all_arrive(model_endpoint):
    model = "fault:long-text?bytes=3000000"
    plan = PLAN | {"base_url": model_endpoint.url, "model": model}

    async def many():
        async with calling.open_session(12) as session:
            body = build_body(plan, {"messages": [{"role": "user", "content": "x"}]})
            return await asyncio.gather(*(calling.call(session, plan, None, body) for _ in range(12)))

    assert [(len(reply.text), reply.truncated) for reply in asyncio.run(many())] == [(1_000_000, True)] * 12


MEMORY = """
import asyncio, resource, sys
import django
django.setup()
from tests.candidates.asking import PLAN
from evalhub.candidates.calling import call, open_session
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
async def main():
    async with open_session(20) as session:
        async def ask(model):
            plan = PLAN | {"base_url": sys.argv[1], "model": model, "timeout_seconds": 60}
            body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
            return (await call(session, plan, None, body)).cause
        await ask("echo")
        before = peak()
        causes = await asyncio.gather(*(ask(sys.argv[2]) for _ in range(4)))
        print(peak() - before, *causes)
asyncio.run(main())
"""


@pytest.mark.parametrize("fault", ["fault:gzip-bomb?bytes=100000000", "fault:big-body?bytes=300000000"])
def test_a_bomb_costs_no_more_memory_than_the_cap(model_endpoint, fault):
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, model_endpoint.url, fault],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )

    growth, *causes = told.stdout.split()
    assert causes == ["too_large"] * 4
    assert int(growth) < 4 * 30  # megabytes; each call holds at most 16 of a body, and a little more while it grows
