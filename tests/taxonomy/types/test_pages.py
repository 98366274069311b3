"""The pages of the taxonomy: what they show to whom, previews before changes, and that queries do not grow."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviews.saying_forms import types_to_tick
from taxonomy.models import CheckMeaning, ErrorType, SeverityWeights, TaxonomyVersion, TypeExample
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.types.changes import Edit, Retire
from taxonomy.types.editing import carry_out, going_back, types_of
from taxonomy.types.examples import add_example
from taxonomy.types.planning import NewType
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import newest_number
from tests.making import make_check, make_round, make_run, make_score, make_version
from tests.people import without_token


@pytest.fixture
def types(project):
    return {each.code: each.pk for each in ErrorType.objects.filter(project=project)}


@pytest.fixture
def run(project, types):
    """Six outputs: 1 to 3 wrong value, 3 and 4 missing information by people; 6 broken format by the check."""
    version = make_version(project, 6)
    run, check = make_run(version), make_check(version, name="Is JSON")
    outputs = list(run.outputs.order_by("pk"))
    CheckMeaning.objects.create(by=check, cause="", error_type_id=types["broken_format"])
    make_score(outputs[5], check, passed=False)
    for number in range(4):
        found = [types["wrong_value"]] * (number < 3) + [types["missing_information"]] * (number >= 2)
        record_verdict(outputs[number], "fail", found)
    record_check_verdicts([outputs[5].pk])
    return run


def path(project, name, *args):
    return reverse(f"taxonomy:{name}", args=[project.slug, *args])


def confirm(client, address, form=None):
    """Preview, then send the same form with what the preview handed out."""
    looked = client.post(address, (form or {}) | {"preview": "1"})
    preview = looked.context.get("preview")
    assert preview is not None, looked.context.get("refusal") or looked.context["form"].errors
    return client.post(address, (form or {}) | {"confirm": "1", "token": preview.token, "seen": preview.seen})


def test_the_tree_shows_figures_to_leads_that_open_as_many_outputs(client_of, project, lead, types, run):
    client = client_of(lead)
    page = client.get(path(project, "error_types")).content.decode()

    links = re.findall(r'<a class="number-link" href="([^"]+)">(\d+)</a>', page)
    assert len(links) == 3
    for address, count in links:
        opened = client.get(address.replace("&amp;", "&")).content.decode()
        assert len(set(re.findall(r"/outputs/(\d+)/", opened))) == int(count), address


def test_reviewers_read_the_tree_without_figures_and_without_what_changes_it(client_of, project, reviewer, types, run):
    client = client_of(reviewer)
    tree = client.get(path(project, "error_types")).content.decode()
    one = client.get(path(project, "error_type", types["wrong_value"])).content.decode()

    assert "Wrong value" in tree
    for page in (tree, one):
        for word in ("By people", "by people", "merge/", "/edit/", "/retire/", "starters", "Undo", "/restore/"):
            assert word not in page, word
    assert client.get(path(project, "versions")).status_code == 200
    assert client.get(path(project, "version", 1)).status_code == 200
    assert "Go back" not in client.get(path(project, "versions")).content.decode()


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


def test_words_are_edited_and_kept_with_the_reason(client_of, project, lead, types):
    form = {
        "name": "Wrong figure",
        "definition": "A figure is wrong.\r\nAlways.",
        "not_this_if": "It is a name.",
        "severity": "critical",
        "owner": lead.pk,
        "why": "Clearer.",
    }

    answer = client_of(lead).post(path(project, "edit_error_type", types["wrong_value"]), form)

    assert answer.status_code == 302
    found = ErrorType.objects.get(pk=types["wrong_value"])
    assert (found.name, found.code, found.definition) == ("Wrong figure", "wrong_value", "A figure is wrong.\nAlways.")
    assert (found.not_this_if, found.severity, found.owner) == ("It is a name.", "critical", lead)
    version = TaxonomyVersion.objects.filter(project=project).first()
    assert version.why == "Clearer."
    assert version.change == (
        "Renamed “Wrong value” to “Wrong figure”, and changed the definition, the “not this if”, the severity and the "
        "owner."
    )


def test_an_owner_must_be_a_member(client_of, project, lead, stranger, types):
    form = {"name": "Wrong value", "severity": "major", "owner": stranger.pk}

    assert client_of(lead).post(path(project, "edit_error_type", types["wrong_value"]), form).status_code == 422


def test_deeper_than_the_desk_shows_is_refused(client_of, project, lead, types):
    client, parent = client_of(lead), ""
    for level in range(4):
        form = {"name": f"Level {level}", "severity": "major", "parent": parent}
        answer = client.post(path(project, "new_error_type"), form)
        assert answer.status_code == 302
        parent = ErrorType.objects.get(project=project, name=f"Level {level}").pk

    answer = client.post(path(project, "new_error_type"), {"name": "Level 4", "severity": "major", "parent": parent})

    assert answer.status_code == 422
    assert "the tree would have more than 4 levels" in answer.content.decode()


def test_the_desk_shows_all_levels_apart(client_of, project, lead, types, run):
    first = carry_out(project, Split(types["wrong_value"], (NewType("Number"), NewType("Name"))), lead).made
    carry_out(project, Split(next(iter(first.values())), (NewType("Sum"), NewType("Date"))), lead)
    made = make_round(run)

    page = client_of(lead).get(reverse("reviews:desk", args=[project.slug, made.pk])).content.decode()

    assert '<p class="type-heading depth-0">Wrong value</p>' in page
    assert '<p class="type-heading depth-1">Number</p>' in page
    assert page.count('class="type-choice depth-2"') == 2


def test_a_type_whose_part_was_undone_can_be_ticked_again_beside_that_part(project, lead, types):
    """A label that carries the part keeps showing it, and nobody is kept from the type above."""
    made = carry_out(project, Split(types["wrong_value"], (NewType("Number"), NewType("Name"))), lead).made
    number = next(iter(made.values()))
    carry_out(project, going_back(project, 1), lead)

    html = str(types_to_tick(project, frozenset({number})))

    assert f'value="{types["wrong_value"]}"' in html
    assert f'value="{number}" checked' in html


def test_what_speaks_against_a_type_stands_beside_it_on_the_desk(project, lead, types):
    carry_out(project, Edit(types["wrong_value"], (("not_this_if", "It is <b>missing</b>."),)), lead)

    html = str(types_to_tick(project, frozenset()))

    key = types["wrong_value"]
    assert f'aria-describedby="type-{key}-says type-{key}-not"' in html
    assert "Not this if: It is &lt;b&gt;missing&lt;/b&gt;." in html


def test_the_order_is_one_change(client_of, project, lead, types):
    client = client_of(lead)
    form = {f"place_{key}": place for place, key in enumerate(types.values(), start=1)}
    form[f"place_{types['wrong_action']}"] = 1

    client.post(path(project, "order"), form | {"why": "Worst first."})

    names = list(ErrorType.objects.in_project(project).values_list("code", flat=True))
    assert names[:2] == ["wrong_action", "wrong_value"]
    assert newest_number(project) == 2


def test_weights_are_kept_within_reason(client_of, project, lead):
    client = client_of(lead)

    assert client.post(path(project, "weights"), {"minor": 1, "major": 5, "critical": 25}).status_code == 302
    for minor, major, critical in ((2, 1, 3), (0, 0, 0), (-1, 1, 2), (1, 2, "nan"), (1, 2, "inf"), (1, 2, 1001)):
        sent = {"minor": minor, "major": major, "critical": critical}
        assert client.post(path(project, "weights"), sent).status_code == 422, sent

    kept = SeverityWeights.objects.get(project=project)
    assert (kept.minor, kept.major, kept.critical) == (1, 5, 25)


def test_examples_come_from_the_page_of_the_type_and_of_the_output(client_of, project, lead, types, run):
    client, outputs = client_of(lead), list(run.outputs.order_by("pk"))
    page = path(project, "error_type", types["wrong_value"])
    link = f"http://testserver/p/{project.slug}/outputs/{outputs[0].pk}/"

    client.post(
        path(project, "add_example", types["wrong_value"]), {"output": link, "included": "yes", "note": "See 2."}
    )
    client.post(
        path(project, "output_examples", outputs[1].pk),
        {"error_type": types["wrong_value"], "included": "no", "note": "It is right."},
    )

    shown = client.get(page).content.decode()
    assert "These have it" in shown
    assert "These only look as if" in shown
    assert "See 2." in shown
    assert reverse("runs:output", args=[project.slug, outputs[1].pk]) in shown
    fragment = client.get(path(project, "output_examples", outputs[1].pk)).content.decode()
    assert path(project, "error_type", types["wrong_value"]) in fragment

    example = TypeExample.objects.get(output=outputs[1])
    client.post(path(project, "remove_example", example.pk))
    assert list(TypeExample.objects.values_list("output", flat=True)) == [outputs[0].pk]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("abc", "Give the number of an output"), ("999999999", "There is no output 999999999"), ("", "required")],
)
def test_an_output_that_is_not_there_is_no_example(client_of, project, lead, types, text, sentence):
    answer = client_of(lead).post(
        path(project, "add_example", types["wrong_value"]), {"output": text, "included": "yes"}
    )

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_an_example_waits_for_the_reviewers_own_label_and_goes_along_with_a_merge(
    client_of, project, lead, reviewer, types, run
):
    outputs = list(run.outputs.order_by("pk"))
    add_example(ErrorType.objects.get(pk=types["wrong_value"]), outputs[0], True, "Look at the sum.", lead)
    carry_out(project, Merge((types["wrong_value"],), types["wrong_action"]), lead)
    address = path(project, "error_type", types["wrong_action"])

    assert "Look at the sum." in client_of(reviewer).get(address).content.decode()
    make_round(run)
    blind = client_of(reviewer).get(address).content.decode()
    assert "Look at the sum." not in blind
    assert "1 more waits for your own label first" in blind
    seen = client_of(lead).get(address).content.decode()
    assert "Look at the sum." in seen
    assert "from Wrong value" in seen


def test_reviewers_read_examples_without_the_candidates_name(client_of, project, lead, reviewer, types):
    run = make_run(make_version(project, 1), "secret-model")
    add_example(ErrorType.objects.get(pk=types["wrong_value"]), run.outputs.get(), True, "", lead)

    page = client_of(reviewer).get(path(project, "error_type", types["wrong_value"])).content.decode()

    assert "example-1" in page
    assert "secret-model" not in page


def test_the_history_tells_what_changed_in_words(client_of, project, lead, types):
    carry_out(
        project, Edit(types["wrong_value"], (("name", "Wrong figure"), ("definition", "Other."))), lead, "Clearer."
    )
    carry_out(project, Merge((types["missing_information"],), types["wrong_value"]), lead)
    client = client_of(lead)

    one = client.get(path(project, "version", 2)).content.decode()
    both = client.get(path(project, "version", 3), {"against": 1}).content.decode()
    of_type = client.get(path(project, "error_type", types["wrong_value"])).content.decode()

    assert "Renamed “Wrong value” to “Wrong figure”." in one
    assert '<ins class="pre-line">Other.</ins>' in one
    assert "Merged" not in one.split("The tree in version")[0].split("What is different")[1]
    for page in (both, of_type):
        assert "Renamed “Wrong value” to “Wrong figure”." in page
        assert "Merged “Missing information” into “Wrong figure”." in page
    assert "Clearer." in of_type
    assert path(project, "breakdown") + "?as_of=2" in client.get(path(project, "versions")).content.decode()
    assert client.get(path(project, "version", 2), {"against": 99}).status_code == 400
    assert client.get(path(project, "version", 99)).status_code == 404


@pytest.mark.parametrize("more", [0, 20])
def test_pages_take_the_same_queries_for_any_number_of_types(client_of, project, lead, types, run, more):
    outputs = list(run.outputs.order_by("pk"))
    wrong = ErrorType.objects.get(pk=types["wrong_value"])
    add_example(wrong, outputs[0], True, "", lead)
    for number in range(more):
        made = ErrorType.objects.create(project=project, code=f"t{number}", name=f"T{number}", owner=lead, position=50)
        add_example(made, outputs[number % 6], True, "", lead)
        record_verdict(outputs[number % 6], "fail", [made.pk, wrong.pk])
        carry_out(project, Edit(wrong.pk, (("definition", f"Words {number}."),)), lead)
    for output in outputs[1:] if more else []:
        add_example(wrong, output, False, "", lead)
    ErrorType.objects.filter(pk=wrong.pk).update(owner=lead)
    carry_out(project, Edit(wrong.pk, (("severity", "minor"), ("owner", lead.pk))), lead)
    client = client_of(lead)

    expected = {
        "error_types": ([], 9),
        "error_type": ([wrong.pk], 11),
        "versions": ([], 5),
        "version": ([2], 8),
        "type_outputs": ([wrong.pk], 10),
        "order": ([], 4),
        "merge": ([], 5),
        "retire": ([types["wrong_action"]], 14),
    }
    asked = {}
    for name, (args, _) in expected.items():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path(project, name, *args)).status_code == 200
        asked[name] = len(queries)

    assert asked == {name: queries for name, (_, queries) in expected.items()}


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
