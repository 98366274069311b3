import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.candidates.prompting import TemplateError, build_body, check_template, fill
from tests.candidates.asking import PLAN

REQUEST = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Where is my order?"},
    ],
    "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {}}}],
}


def test_without_settings_of_its_own_a_candidate_sends_the_request_as_it_is():
    body = build_body(PLAN, REQUEST)

    assert body == {"model": "echo", "messages": REQUEST["messages"], "tools": REQUEST["tools"]}


def test_every_setting_reaches_the_body():
    settings = {
        "temperature": 0,
        "max_tokens": 20,
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function"}],
        "streams": True,
    }

    body = build_body(PLAN | settings, {"messages": []})

    assert body == {
        "model": "echo",
        "messages": [],
        "tools": [{"type": "function"}],
        "temperature": 0,
        "max_tokens": 20,
        "response_format": {"type": "json_object"},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_system_prompt_replaces_the_one_that_leads_the_request_and_no_later_one():
    request = {
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "user", "content": "c"},
            {"role": "system", "content": "d"},
        ]
    }

    messages = build_body(PLAN | {"system_prompt": "Mine {{input}}"}, request)["messages"]

    assert [(message["role"], message["content"]) for message in messages] == [
        ("system", "Mine {{input}}"),
        ("user", "c"),
        ("system", "d"),
    ]


def test_the_template_replaces_the_last_user_message_only():
    messages = build_body(PLAN | {"template": "Q: {{input}}\nAgain: {{ input }}"}, REQUEST)["messages"]

    assert [message["content"] for message in messages] == [
        "Be kind.",
        "First",
        "Yes?",
        "Q: Where is my order?\nAgain: Where is my order?",
    ]


def test_the_text_of_parts_is_put_in_and_other_parts_stay():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    content = [{"type": "text", "text": "one"}, image, {"type": "text", "text": "two"}]

    with_image = build_body(PLAN | {"template": "<{{input}}>"}, {"messages": [{"role": "user", "content": content}]})
    only_text = build_body(PLAN | {"template": "<{{input}}>"}, {"messages": [{"role": "user", "content": content[:1]}]})

    assert with_image["messages"][0]["content"] == [{"type": "text", "text": "<one\ntwo>"}, image]
    assert only_text["messages"][0]["content"] == "<one>"


def test_a_candidate_with_an_empty_list_of_tools_offers_none():
    assert "tools" not in build_body(PLAN | {"tools": []}, REQUEST)


def test_the_example_is_not_changed():
    before = copy.deepcopy(REQUEST)

    build_body(PLAN | {"template": "x{{input}}", "system_prompt": "y"}, REQUEST)

    assert before == REQUEST


@given(st.text() | st.sampled_from(["{{input}}", "{{ input }}{{input}}", "{0}", "%s", "\\1", "{% debug %}", "{{7*7}}"]))
def test_what_is_put_in_is_never_expanded(text):
    assert fill("a {{input}} b {{input}}", text) == f"a {text} b {text}"
    assert fill("{{input}}", text) == text


@given(st.text())
def test_a_template_that_passes_the_check_keeps_everything_but_its_one_name(template):
    try:
        check_template(template)
    except TemplateError:
        return

    assert fill(template, "{{input}}") == template.replace("{{ input }}", "{{input}}") or "{{" in template


@pytest.mark.parametrize(
    "template", ["", "{{input}}", '{{ input }} and {"a": {"b": 1}}', '{{input}} {{"a": 1}} {x} {{ }} {{1}}']
)
def test_templates_that_pass(template):
    check_template(template)


MISSING = "{{input}} is missing, so every example would ask the same. Put it where the example's text belongs."
KNOWN = "that the template knows. Use {{input}}, or put a space between the braces."


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{input}} {{name}}", f"{{{{name}}}} is not a name {KNOWN}"),
        ("{{Input}} {{ question }}", f"{{{{Input}}}}, {{{{question}}}} are not names {KNOWN}"),
        ("{{input|upper}}", f"{{{{input|upper}}}} is not a name {KNOWN}"),
        ("{{input.__class__}}", f"{{{{input.__class__}}}} is not a name {KNOWN}"),
        ("Hello", MISSING),
    ],
)
def test_templates_that_are_refused(template, sentence):
    with pytest.raises(TemplateError) as refused:
        check_template(template)

    assert str(refused.value) == sentence
