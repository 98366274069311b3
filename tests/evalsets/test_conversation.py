from django.template.loader import render_to_string

from evalhub.evalsets.conversation import Call, Tool, Turn, calls_of, tools_of, transcript, turns_of

CALL = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": '{"id":"7"}'}}
TOOL = {
    "type": "function",
    "function": {"name": "get_order", "description": "Find it.", "parameters": {"type": "object"}},
}
REQUEST = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Where is"}, {"type": "text", "text": "my order?"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"state": "sent"}'},
    ],
    "tools": [TOOL],
}


def test_a_request_is_read_as_turns():
    assert turns_of(REQUEST) == [
        Turn("system", "Be brief."),
        Turn("user", "Where is\nmy order?"),
        Turn("assistant", "", [Call("get_order", '{\n  "id": "7"\n}')]),
        Turn("tool", '{"state": "sent"}', about="get_order"),
    ]
    assert tools_of(REQUEST) == [Tool("get_order", "Find it.", {"type": "object"})]


def test_an_outputs_calls_are_read_alike():
    calls = [{"id": "1", "name": "f", "arguments": "{broken"}, {"id": "2", "name": "g", "arguments": ""}]

    assert calls_of(calls) == [Call("f", "{broken"), Call("g", "")]


def test_odd_shapes_are_survived():
    assert turns_of(None) == turns_of([]) == turns_of({"messages": "x"}) == []
    assert turns_of({"messages": [1, {"role": 5}]}) == [Turn("5", "")]
    assert tools_of({"tools": [None, {"name": "plain"}]}) == [Tool("plain", "", None)]


def test_a_long_instruction_is_folded_and_a_long_question_is_not():
    long = "word " * 200

    assert turns_of({"messages": [{"role": "system", "content": long}]})[0].is_folded
    assert not turns_of({"messages": [{"role": "user", "content": long}]})[0].is_folded
    assert not turns_of({"messages": [{"role": "system", "content": "short"}]})[0].is_folded


def test_the_transcript_has_all_of_it():
    assert transcript(REQUEST) == (
        "System:\nBe brief.\n\nUser:\nWhere is\nmy order?\n\n"
        'Assistant:\ncalls get_order {\n  "id": "7"\n}\n\n'
        'Tool get_order:\n{"state": "sent"}\n\n'
        'Tool get_order: Find it.\n{\n  "type": "object"\n}'
    )


HOSTILE = '<img src=x onerror=alert(1)>\u202e\x1b[31m</pre></textarea>{{7*7}}<div hx-get="/" hx-trigger="load">'


def test_hostile_text_is_shown_as_text_everywhere_in_a_request():
    call = {"id": HOSTILE, "function": {"name": HOSTILE, "arguments": HOSTILE}}
    tool = {"function": {"name": HOSTILE, "description": HOSTILE, "parameters": {HOSTILE: HOSTILE}}}
    messages = [
        {"role": HOSTILE, "content": HOSTILE, "tool_calls": [call]},
        {"role": "tool", "content": HOSTILE, "name": HOSTILE},
        {"role": "system", "content": HOSTILE * 20},
    ]

    html = render_to_string("evalsets/_request.html", {"request_json": {"messages": messages, "tools": [tool]}})

    assert "<img" not in html
    assert "<div hx-get" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "⟨U+202E⟩␛" in html
    assert 'class="turn turn-other"' in html


def test_expected_outputs_of_every_kind_are_shown():
    calls = [{"name": "refund", "arguments": {"amount": [1, "1.00"], "note": [HOSTILE]}, "optional": ["note"]}]

    shown = {
        kind: render_to_string("evalsets/_expected.html", {"kind": kind, "expected": expected})
        for kind, expected in {
            "": None,
            "text": HOSTILE,
            "number": 42,
            "json": {"a": HOSTILE},
            "tool_calls": calls,
        }.items()
    }

    assert "No expected output is given." in shown[""]
    assert ">42<" in shown["number"]
    assert "<code>1</code>" in shown["tool_calls"]
    assert "<code>&quot;1.00&quot;</code>" in shown["tool_calls"]
    assert shown["tool_calls"].count("may be absent") == 1
    assert not any("<img" in html for html in shown.values())
    assert "without calling a tool" in render_to_string(
        "evalsets/_expected.html", {"kind": "tool_calls", "expected": []}
    )
