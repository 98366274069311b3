import json

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from evalhub.candidates.models import Candidate
from tests.candidates.making import make_candidate, make_endpoint

TOOLS = [
    {
        "type": "function",
        "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"z": {}, "a": {}}}},
    }
]


def url(name, project, *more):
    return reverse(f"candidates:{name}", args=[project.slug, *more])


def good(endpoint=None, **changes):
    return {
        "name": "Small",
        "endpoint": endpoint.pk if endpoint else "",
        "model": "gpt-4o-mini",
        "system_prompt": "",
        "template": "",
        "temperature": "",
        "max_tokens": "",
        "answer_format": "text",
        "answer_schema": "",
        "tools_text": "",
        "input_price": "",
        "output_price": "",
    } | changes


def test_a_lead_adds_a_candidate_with_every_setting(client_of, lead, project):
    endpoint = make_endpoint(project)
    values = {
        "system_prompt": " Be kind.\n",
        "template": "Q: {{input}}",
        "temperature": "0.5",
        "max_tokens": "100",
        "answer_format": "json_schema",
        "answer_schema": '{"type": "object"}',
        "tools_text": json.dumps(TOOLS),
        "input_price": "0.15",
        "output_price": "0.6",
    }

    answer = client_of(lead).post(url("new", project), good(endpoint, **values))

    assert answer.url == url("list", project)
    made = Candidate.objects.get()
    assert (made.project, made.endpoint, made.model, made.temperature, made.max_tokens) == (
        project,
        endpoint,
        "gpt-4o-mini",
        0.5,
        100,
    )
    assert (made.system_prompt, made.template) == (" Be kind.\n", "Q: {{input}}")
    assert made.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }
    assert json.dumps(made.tools) == json.dumps(TOOLS)
    assert (str(made.input_price), str(made.output_price)) == ("0.150000", "0.600000")


def test_what_is_saved_is_what_the_form_shows_again(client_of, lead, project):
    endpoint = make_endpoint(project)
    client = client_of(lead)
    client.post(
        url("new", project),
        good(endpoint, answer_format="json_object", tools_text=json.dumps(TOOLS), template="<{{input}}>"),
    )
    made = Candidate.objects.get()

    form = client.get(url("edit", project, made.pk)).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    client.post(url("edit", project, made.pk), {name: "" if value is None else value for name, value in shown.items()})

    again = Candidate.objects.get()
    assert (again.pk, again.template, again.response_format) == (made.pk, "<{{input}}>", {"type": "json_object"})
    assert json.dumps(again.tools) == json.dumps(TOOLS)


def test_settings_are_taken_away_again(client_of, lead, project):
    candidate = make_candidate(project, "Small", tools=TOOLS, response_format={"type": "json_object"}, temperature=0.5)

    client_of(lead).post(url("edit", project, candidate.pk), good())

    changed = Candidate.objects.get()
    assert (changed.tools, changed.response_format, changed.temperature) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"template": "{{input}} {{question}}"}, "{{question}} is not a name that the template knows."),
        ({"template": "Hello"}, "{{input}} is missing, so every example would ask the same."),
        ({"template": "{{input}}" + "x" * 100_000}, "at most 100000 characters"),
        ({"tools_text": "[{]"}, "Line 1, column 3: this is not JSON."),
        ({"answer_format": "json_schema"}, "The schema is missing."),
        ({"answer_format": "xml"}, "not one of the available choices"),
        ({"model": ""}, "Enter the name under which the endpoint knows the model."),
        ({"input_price": "0.1"}, "Enter both prices, or none."),
        ({"input_price": "-1", "output_price": "1"}, "greater than or equal to 0"),
        ({"temperature": "nan"}, "Enter a number."),
        ({"temperature": "2.5"}, "less than or equal to 2"),
        ({"max_tokens": "0"}, "greater than or equal to 1"),
        ({"name": "Taken"}, "“Taken” is taken in this project."),
        ({"endpoint": "999999"}, "Select a valid choice."),
        ({"name": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(client_of, lead, project, change, sentence):
    make_candidate(project, "Taken")

    answer = client_of(lead).post(url("new", project), good(make_endpoint(project)) | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Candidate.objects.count() == 1


def test_an_endpoint_of_another_project_cannot_be_used(client_of, lead, project, stranger):
    foreign = make_endpoint(stranger.memberships.get().project, "Foreign")
    client = client_of(lead)

    answer = client.post(url("new", project), good(foreign))

    assert answer.status_code == 422
    assert "Foreign" not in client.get(url("new", project)).content.decode()
    assert not Candidate.objects.exists()


def test_a_candidate_recorded_elsewhere_needs_no_model(client_of, lead, project):
    client = client_of(lead)

    client.post(url("new", project), good(name="Production", model=""))

    assert Candidate.objects.get().endpoint is None
    assert "recorded elsewhere" in client.get(url("list", project)).content.decode()


def test_a_copy_begins_with_the_settings_and_another_name(client_of, lead, project):
    endpoint = make_endpoint(project)
    original = make_candidate(project, "Small", endpoint, tools=TOOLS, temperature=0.5, is_baseline=True)
    client = client_of(lead)

    form = client.get(url("new", project), {"copy": original.pk}).context["form"]
    client.post(
        url("new", project),
        {name: form[name].value() if form[name].value() is not None else "" for name in form.fields},
    )

    copied = Candidate.objects.exclude(pk=original.pk).get()
    assert (copied.name, copied.endpoint, copied.tools, copied.temperature) == ("Small (copy)", endpoint, TOOLS, 0.5)
    assert not copied.is_baseline


def test_a_candidate_of_another_project_cannot_be_copied(client_of, lead, project, stranger):
    foreign = make_candidate(stranger.memberships.get().project, "Foreign")

    assert client_of(lead).get(url("new", project), {"copy": foreign.pk}).status_code == 404
    assert client_of(lead).get(url("new", project), {"copy": "9" * 40}).status_code == 404
    assert client_of(lead).get(url("new", project), {"copy": "x"}).status_code == 200


def test_extra_fields_change_nothing(client_of, lead, project, stranger):
    candidate = make_candidate(project)
    extra = {
        "project": stranger.memberships.get().project.pk,
        "id": 999,
        "is_baseline": "on",
        "archived_at": "2000-01-01",
        "created_at": "2000-01-01",
        "tools": "[1]",
        "response_format": '{"type": "x"}',
        "cost": "1",
    }

    client_of(lead).post(url("edit", project, candidate.pk), good(name="New") | extra)

    changed = Candidate.objects.get()
    assert (changed.pk, changed.project, changed.name) == (candidate.pk, project, "New")
    assert (changed.is_baseline, changed.archived_at, changed.created_at) == (False, None, candidate.created_at)
    assert (changed.tools, changed.response_format) == (None, None)


def test_the_price_is_offered_for_the_model_and_endpoint_typed_in(client_of, lead, project):
    endpoint = make_endpoint(project, base_url="https://api.openai.com/v1")

    part = (
        client_of(lead)
        .get(url("prices", project), {"model": " gpt-4o-mini ", "endpoint": endpoint.pk, "input_price": "9"})
        .content.decode()
    )

    assert "Library price for gpt-4o-mini at OpenAI: $0.15 in, $0.60 out." in part
    assert 'name="input_price" value="9"' in part
    assert part.lstrip().startswith("<h2>Prices</h2>")


def test_the_offer_is_taken_with_javascript_and_without(client_of, lead, project):
    endpoint = make_endpoint(project, base_url="https://api.openai.com/v1")
    client = client_of(lead)

    part = client.get(url("prices", project), {"model": "gpt-4o-mini", "endpoint": endpoint.pk, "price": "use"})
    page = client.post(url("new", project), good(endpoint, name="Mine", template="{{typo}}", price="use"))

    for answer in (part, page):
        form = answer.context["form"]
        assert (str(form["input_price"].value()), str(form["output_price"].value())) == ("0.15", "0.6")
        assert "This is the library price for gpt-4o-mini at OpenAI." in answer.content.decode()
    assert (page.status_code, page.context["form"]["name"].value(), page.context["form"]["template"].value()) == (
        200,
        "Mine",
        "{{typo}}",
    )
    assert not Candidate.objects.exists()


def test_a_model_without_a_known_price_is_said_to_have_none(client_of, lead, project):
    part = (
        client_of(lead)
        .get(url("prices", project), {"model": "our-own-7b", "endpoint": "x", "price": "use"})
        .content.decode()
    )

    assert "The price library does not know this model." in part


def test_baseline_and_archive_by_buttons(client_of, lead, project):
    one, other = make_candidate(project, "One"), make_candidate(project, "Other")
    client = client_of(lead)

    assert "There is no baseline yet." in client.get(url("list", project)).content.decode()
    client.post(url("make_baseline", project, one.pk))
    client.post(url("archive", project, other.pk))
    refused = client.post(url("archive", project, one.pk))

    active = client.get(url("list", project))
    assert [row.name for row in active.context["page"].rows] == ["One"]
    assert "There is no baseline yet." not in active.content.decode()
    assert "Archived candidates (1)" in active.content.decode()
    assert "One” is the baseline. Make another" in str(list(get_messages(refused.wsgi_request))[-1])
    assert [row.name for row in client.get(url("list", project), {"archived": 1}).context["page"].rows] == ["Other"]
    client.post(url("restore", project, other.pk))
    assert Candidate.objects.active().count() == 2


def test_empty_pages_say_what_to_do_next(client_of, lead, admin, project):
    assert url("new_endpoint", project) in client_of(admin).get(url("list", project)).content.decode()
    assert url("new_endpoint", project) not in client_of(lead).get(url("list", project)).content.decode()
    assert "Nothing is archived" in client_of(lead).get(url("list", project), {"archived": 1}).content.decode()


def test_the_list_asks_as_often_for_thirty_as_for_one(client_of, lead, project, django_assert_num_queries):
    client = client_of(lead)
    make_candidate(project, "0", make_endpoint(project, "0"), is_baseline=True)
    client.get(url("list", project))
    with django_assert_num_queries(7):
        client.get(url("list", project))
    for number in range(1, 30):
        make_candidate(project, str(number), make_endpoint(project, str(number)))

    with django_assert_num_queries(7):
        page = client.get(url("list", project))

    assert len(page.context["page"].rows) == 30
