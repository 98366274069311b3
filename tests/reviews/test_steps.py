"""Requests as numbered steps: calls joined with their results, what was said earlier folded."""

import json

from reviews.reading.steps import FOLDED_BYTES, Step, Stretch, conversation_of


def says(role, content, **more):
    return {"role": role, "content": content, **more}


def calls(*names, **ids):
    functions = [{"name": name, "arguments": json.dumps({"order": "A-1"})} for name in names]
    return says(
        "assistant",
        None,
        tool_calls=[{"id": f"call_{f['name']}", "type": "function", "function": f} for f in functions],
    )


def result(name, content):
    return says("tool", content, tool_call_id=f"call_{name}")


def shape(conversation):
    """Numbers of the steps in full view, ranges of those that are folded."""
    return [(entry.first, entry.last) if isinstance(entry, Stretch) else entry.number for entry in conversation.entries]


def test_every_message_has_its_number_and_the_answer_is_the_last_step():
    request = {
        "messages": [
            says("system", "Be kind."),
            says("user", "Where is my order? " * 10),
            calls("find_order", "find_parcel"),
            result("find_parcel", "lost"),
            result("find_order", '{"state": "sent"}'),
        ]
    }

    assert conversation_of(request).numbered == [
        (1, "System: Be kind."),
        (2, "User: Where is my order? Where is my order? Where is my order? Whe…"),
        (3, "Assistant calls find_order, find_parcel"),
        (4, "Tool find_parcel: lost"),
        (5, 'Tool find_order: {"state": "sent"}'),
        (6, "The answer"),
    ]


def test_a_result_stands_with_the_call_that_it_answers():
    request = {"messages": [calls("one", "two"), result("two", "2"), result("one", "1")]}

    (step,) = conversation_of(request).entries

    assert [(call.name, call.result.text.text, call.result.number) for call in step.calls] == [
        ("one", "1", 3),
        ("two", "2", 2),
    ]


def test_a_result_without_an_id_stands_with_the_first_call_that_has_none():
    request = {"messages": [calls("one", "two"), says("tool", "1"), result("elsewhere", "3")]}

    first, loose = conversation_of(request).steps

    assert [call.result and call.result.text.text for call in first.calls] == ["1", None]
    assert (loose.number, loose.text.text) == (3, "3")


def test_what_the_user_said_last_and_the_step_before_the_answer_are_in_full_view():
    earlier = [says("user", "Hello"), says("assistant", "Hello"), says("user", "And?"), says("assistant", "Yes?")]
    between = [calls("one"), result("one", "1"), calls("two"), result("two", "2")]
    request = {"messages": [says("system", "S"), *earlier, says("user", "Do it."), *between]}

    conversation = conversation_of(request)

    assert shape(conversation) == [1, (2, 5), 6, (7, 8), 9]
    assert [entry.key for entry in conversation.entries] == ["s", "a", "", "v", ""]
    assert conversation.entries[-1].calls[0].result.number == 10
    assert conversation.message_count == 10


def test_few_words_stand_open_and_many_are_fetched():
    def stretch(messages):
        request = {"messages": [*[says("assistant", "word " * 20)] * messages, says("user", "Now?")]}
        return conversation_of(request).entries[0]

    enough = FOLDED_BYTES // 100
    assert [(stretch(count).is_short, stretch(count).is_fetched) for count in (5, 10, enough)] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_large_tools_are_fetched():
    def fetches(count):
        tool = {"type": "function", "function": {"name": "t", "parameters": {"enum": ["value"] * count}}}
        return conversation_of({"messages": [says("user", "Go")], "tools": [tool]}).fetches_tools

    assert (fetches(3), fetches(3000)) == (False, True)


def test_odd_requests_are_shown_as_far_as_they_go():
    assert conversation_of(None).numbered == [(1, "The answer")]
    assert conversation_of({"messages": "x", "tools": "y"}).entries == []
    odd = {"messages": ["text", says("assistant", [{"type": "image"}], tool_calls=[7, {"function": None}])]}

    (step,) = conversation_of(odd).entries

    assert isinstance(step, Step)
    assert [(call.name, call.has_arguments) for call in step.calls] == [("", False)]
