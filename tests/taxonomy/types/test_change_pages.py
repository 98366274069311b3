"""Changes of the taxonomy on their pages: looked at first, then confirmed, refused in a sentence."""

import re

import pytest
from django.urls import reverse

from taxonomy.models import TaxonomyVersion
from taxonomy.types.changes import Edit, Move, Retire
from taxonomy.types.editing import carry_out, types_of
from taxonomy.types.planning import NewType
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import newest_number
from tests.people import without_token
from tests.taxonomy.types.asking import confirm, path


def test_a_merge_is_looked_at_first_and_then_does_what_was_shown(client_of, project, lead, types, run):
    client = client_of(lead)
    form = {
        "types": [types["wrong_value"], types["missing_information"]],
        "into": "",
        "name": "Wrong content",
        "severity": "major",
        "why": "One cause.",
    }

    looked = client.post(path(project, "merge"), form | {"preview": "1"})
    text = " ".join(re.sub(r"<[^>]+>", " ", looked.content.decode()).split())
    assert "Merged “Wrong value” and “Missing information” into the new “Wrong content”." in text
    assert "Labels and findings stay as they were given" in text
    assert "Wrong content new 0 → 4 0 → 4 0 0" in text  # 1 to 3 and 3 to 4: four outputs
    assert newest_number(project) == 1

    answer = confirm(client, path(project, "merge"), form)

    assert answer.status_code == 302
    version = TaxonomyVersion.objects.filter(project=project).first()
    assert (version.number, version.why, version.made_by) == (2, "One cause.", lead)


def test_a_merge_begins_with_the_gravest_severity_and_the_shared_place(client_of, project, lead, types):
    carry_out(project, Edit(types["wrong_value"], (("severity", "critical"),)), lead)
    for code in ("wrong_value", "missing_information"):
        carry_out(project, Move(types[code], types["wrong_action"]), lead)
    asked = {"type": [types["wrong_value"], types["missing_information"]]}

    form = client_of(lead).get(path(project, "merge"), asked).context["form"]

    assert (form["severity"].value(), form["parent"].value()) == ("critical", types["wrong_action"])
    plain = client_of(lead).get(path(project, "merge")).context["form"]
    assert (plain["severity"].value(), plain["parent"].value()) == ("major", None)


@pytest.mark.parametrize(("severity", "warns"), [("major", True), ("critical", False)])
def test_a_merge_that_makes_a_critical_type_milder_says_so(client_of, project, lead, types, severity, warns):
    carry_out(project, Edit(types["wrong_value"], (("severity", "critical"),)), lead)
    merged = [types["wrong_value"], types["missing_information"]]
    form = {"types": merged, "into": "", "name": "Wrong content", "severity": severity, "preview": "1"}

    page = client_of(lead).post(path(project, "merge"), form).content.decode()

    sentence = "“Wrong value” is critical, and “Wrong content” is major: what it found counts as major from then on"
    assert (sentence in page) == warns
    assert "“Missing information” is" not in page


def test_what_was_changed_after_the_preview_is_looked_at_again(client_of, project, lead, types):
    client, address = client_of(lead), path(project, "move", types["wrong_value"])
    preview = client.post(address, {"parent": types["wrong_action"], "preview": "1"}).context["preview"]

    answer = client.post(
        address,
        {"parent": types["broken_format"], "confirm": "1", "token": preview.token, "seen": preview.seen},
    )

    assert answer.status_code == 409
    assert "another change than the one you looked at" in answer.content.decode()
    assert newest_number(project) == 1


def test_a_preview_that_is_out_of_date_is_shown_again(client_of, project, lead, types):
    client, address = client_of(lead), path(project, "move", types["wrong_value"])
    form = {"parent": types["wrong_action"]}
    preview = client.post(address, form | {"preview": "1"}).context["preview"]
    carry_out(project, Retire(types["broken_format"]), lead)

    sent = form | {"confirm": "1", "token": preview.token, "seen": preview.seen}
    answer = client.post(address, sent)

    assert answer.status_code == 409
    assert "it is version 2 now" in answer.content.decode()
    assert answer.context["preview"].seen == 2
    assert types_of(project)[types["wrong_value"]].parent is None
    assert client.post(address, sent | {"seen": 2}).status_code == 302


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"types": ["wrong_value"], "into": "wrong_value"}, "“Wrong value” cannot be merged into itself."),
        ({"types": ["wrong_value"], "into": "", "name": "New", "severity": "major"}, "Choose at least two error types"),
        ({"types": ["format"], "into": "wrong_value"}, "“Fenced” would be left without “Format” above."),
        ({"types": ["format"], "into": "fenced"}, "“Fenced” stands below “Format”"),
        (
            {"types": ["wrong_value", "fenced"], "into": "", "name": "wrong  ACTION", "severity": "major"},
            "There is an error type of this name, “Wrong action”, at the top.",
        ),
        (
            {"types": ["wrong_value", "fenced"], "into": "", "name": "New", "severity": "major", "parent": "fenced"},
            "“Fenced” was merged into “New”.",
        ),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused_in_a_sentence(client_of, project, lead, types, form, sentence):
    done = carry_out(project, Edit(types["broken_format"], (("name", "Format"),)), lead)
    assert done is not None
    made = carry_out(project, Split(types["broken_format"], (NewType("Fenced"), NewType("Cut off"))), lead).made
    keys = types | {"format": types["broken_format"], "fenced": next(iter(made.values())), "": ""}
    if "format" in form["types"] and form["into"] == "wrong_value":
        carry_out(project, Retire(list(made.values())[1]), lead)
    sent = form | {"types": [keys[code] for code in form["types"]], "into": keys[form["into"]]}
    if "parent" in form:
        sent["parent"] = keys[form["parent"]]

    assert newest_number(project) >= 3
    answer = client_of(lead).post(path(project, "merge"), sent | {"preview": "1"})

    assert answer.status_code == 422
    assert sentence in (answer.context.get("refusal") or str(answer.context["form"].errors))


def test_a_split_leads_to_the_outputs_for_a_second_look_and_they_make_a_round(client_of, project, lead, types, run):
    client = client_of(lead)
    parts = {
        "parts-TOTAL_FORMS": "3",
        "parts-INITIAL_FORMS": "3",
        "parts-0-name": "Wrong number",
        "parts-0-severity": "critical",
        "parts-1-name": "Wrong name",
        "parts-1-severity": "major",
        "parts-2-name": "",
        "parts-2-severity": "major",
    }

    answer = confirm(client, path(project, "split", types["wrong_value"]), parts)

    assert answer.url == path(project, "type_outputs", types["wrong_value"]) + "?own=yes&source=people"
    page = client.get(answer.url).content.decode()
    assert "Outputs for a second look" in page
    assert "3 outputs of all runs have “Wrong value” itself, by people." in page
    review = re.search(r'<a class="button" href="([^"]+review/outputs/[^"]+)"', page).group(1).replace("&amp;", "&")
    asked = client.get(review)
    assert asked.status_code == 200
    assert asked.context["count"] == 3
    form = asked.context["found"].filters | {"kind": "error_type_outputs", "name": "Second look", "labels_wanted": "1"}
    initial = {name: value for name, value in asked.context["form"].initial.items() if value is not None}
    made = client.post(reverse("reviews:review_outputs", args=[project.slug]), initial | form)
    assert made.status_code == 302, made.context["form"].errors
    items = run.outputs.filter(review_items__round__pk=int(re.search(r"rounds/(\d+)", made.url).group(1)))
    assert [output.example.key for output in items.order_by("pk")] == ["example-1", "example-2", "example-3"]


def test_one_more_part_keeps_what_was_typed(client_of, project, lead, types):
    form = {"parts-TOTAL_FORMS": "3", "parts-INITIAL_FORMS": "3", "parts-0-name": "Wrong number", "more": "1"}

    answer = client_of(lead).post(path(project, "split", types["wrong_value"]), form)

    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'value="Wrong number"' in page
    assert 'name="parts-3-name"' in page
    assert newest_number(project) == 1


@pytest.mark.parametrize("name", ["retire", "restore", "go_back"])
def test_retiring_restoring_and_undoing_show_what_they_do_when_opened(client_of, project, lead, types, run, name):
    client = client_of(lead)
    if name != "retire":
        carry_out(project, Retire(types["broken_format"]), lead)
    address = path(project, name, 1 if name == "go_back" else types["broken_format"])

    page = client.get(address)
    assert page.context["preview"].effects.findings_by_checks == 1
    answer = client.post(
        address,
        {"confirm": "1", "token": page.context["preview"].token, "seen": page.context["preview"].seen, "why": "So."},
    )

    assert answer.status_code == 302
    assert types_of(project)[types["broken_format"]].is_retired == (name == "retire")


def test_going_back_shows_all_that_becomes_different(client_of, project, lead, types):
    carry_out(project, Edit(types["wrong_value"], (("name", "Wrong figure"), ("severity", "minor"))), lead)
    carry_out(project, Merge((types["missing_information"],), types["wrong_action"]), lead)

    page = client_of(lead).get(path(project, "go_back", 1)).content.decode()

    for sentence in (
        "Renamed “Wrong figure” to “Wrong value”.",
        "Severity of “Wrong value” from minor to major.",
        "“Missing information” is no longer merged into “Wrong action”.",
    ):
        assert sentence in page


def test_a_retired_type_keeps_its_checks_and_the_preview_says_so(client_of, project, lead, types, run):
    page = client_of(lead).get(path(project, "retire", types["broken_format"])).content.decode()

    assert "Is JSON" in page
    assert "which is retired then. Give it another meaning." in page


def test_a_heading_is_not_retired(client_of, project, lead, types):
    carry_out(project, Split(types["wrong_value"], (NewType("Wrong number"), NewType("Wrong name"))), lead)

    answer = client_of(lead).get(path(project, "retire", types["wrong_value"]))

    assert answer.status_code == 422
    assert "has error types below it: “Wrong number” and “Wrong name”" in answer.content.decode()


def test_nothing_on_a_page_changes_by_being_opened(client_of, project, lead, types, run):
    client = client_of(lead)
    before = without_token(client.get(path(project, "versions")))

    for name, args in (
        ("retire", [types["wrong_value"]]),
        ("merge", []),
        ("go_back", [1]),
        ("add_starter", ["extraction"]),
    ):
        client.get(path(project, name, *args))

    assert without_token(client.get(path(project, "versions"))) == before
