"""The pages of the taxonomy: what they show to whom, previews before changes, and that queries do not grow."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviews.saying_forms import types_to_tick
from taxonomy.models import CheckMeaning, ErrorType, SeverityWeights, TaxonomyVersion, TypeExample
from taxonomy.settling import record_verdict
from taxonomy.types.changes import Edit, Move
from taxonomy.types.editing import carry_out, going_back
from taxonomy.types.examples import add_example
from taxonomy.types.planning import NewType
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import newest_number
from tests.making import make_check, make_round, make_run, make_version
from tests.taxonomy.types.asking import path


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


def test_the_history_of_a_type_names_what_it_stands_below_and_what_it_was_merged_into(client_of, project, lead, types):
    moved, above, into = (types[code] for code in ("missing_information", "broken_format", "wrong_value"))
    carry_out(project, Move(moved, above), lead)
    carry_out(project, Edit(into, (("name", "Wrong figure"),)), lead)
    carry_out(project, Merge((moved,), into), lead)

    page = client_of(lead).get(path(project, "error_type", moved)).content.decode()

    assert "Moved “Missing information” below “Broken format”." in page
    assert "Merged “Missing information” into “Wrong figure”." in page
    assert "does not have" not in page
    assert "Renamed" not in page  # that is the history of another type


def test_the_page_of_a_type_names_the_causes_by_which_checks_find_it(client_of, project, lead, types):
    check = make_check(make_version(project, 1), kind="json_fields", name="Fields")
    CheckMeaning.objects.create(by=check, cause="wrong_field:intent", error_type_id=types["wrong_value"])
    client = client_of(lead)

    for name in ("error_type", "retire"):
        page = client.get(path(project, name, types["wrong_value"])).content.decode()
        assert "Wrong field: intent" in page, name
        assert "wrong_field:intent" not in page, name
        assert path(project, "change_meanings", check.pk) in page, name


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
