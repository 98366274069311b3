"""What checks mean, on pages: with the outputs behind it, looked at before it is changed, told apart from people."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evalhub.projects.models import Event
from reviews.labelling import decide, record_label
from taxonomy.meanings.changing import effects_of
from taxonomy.meanings.defaults import mean_by_default
from taxonomy.meanings.finding import find_by_checks
from taxonomy.models import CheckMeaning, ErrorType, Verdict
from tests.making import assessed, make_check, make_round, make_run, make_score, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def types(project):
    return {each.code: each for each in ErrorType.objects.filter(project=project)}


@pytest.fixture
def run(project):
    """Five outputs: 1 and 2 not JSON, 2 and 3 with a wrong field each."""
    run = make_run(make_version(project, 5))
    is_json = make_check(run.version, "Valid JSON", "valid_json")
    fields = make_check(run.version, "Fields", "json_fields")
    for place, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, is_json, place > 2, "invalid_json")
        make_score(output, fields, place not in {2, 3}, f"wrong_field:{'name' if place == 2 else 'total'}")
    mean_by_default(is_json)
    mean_by_default(fields)
    return run


@pytest.fixture
def is_json(run):
    return run.version.eval_set.checks.get(kind="valid_json")


@pytest.fixture
def fields(run):
    return run.version.eval_set.checks.get(kind="json_fields")


def text_of(answer):
    """What stands on the page, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def page_of_set(client, run):
    return client.get(reverse("taxonomy:meanings_of_set", args=[run.project.slug, run.version.eval_set_id]))


def page_of(check):
    return reverse("taxonomy:change_meanings", args=[check.eval_set.project.slug, check.pk])


def fragment(client, output):
    return text_of(client.get(reverse("taxonomy:output_verdict", args=[output.run.project.slug, output.pk])))


def test_each_cause_is_shown_with_its_outputs_and_its_meaning(client_of, lead, run, is_json):
    answer = page_of_set(client_of(lead), run)

    page = text_of(answer)
    assert re.search(r"Invalid JSON There is no JSON, or it breaks JSON's rules. Broken format 2 certain", page)
    assert re.search(
        r"Wrong field .{0,80} Wrong value 0 certain Wrong field: name Wrong value as above 1 certain", page
    )
    link = f'href="{reverse("checks:outputs", args=[run.project.slug])}?run={run.pk}&amp;check={is_json.pk}&amp;'
    assert f'{link}outcome=failed&amp;cause=invalid_json">2</a>' in answer.content.decode()


def test_the_link_of_a_cause_opens_its_outputs(client_of, lead, run):
    client = client_of(lead)
    links = re.findall(r'href="([^"]*cause=[^"]*)">(\d+)</a>', page_of_set(client, run).content.decode())

    assert len(links) == 3
    for link, count in links:
        assert len(client.get(link.replace("&amp;", "&")).context["entries"]) == int(count)


def test_a_check_that_is_not_certain_says_so(client_of, lead, run):
    mean_by_default(make_check(run.version, "Says hello", "contains", texts=["hello"]))

    page = text_of(page_of_set(client_of(lead), run))

    assert re.search(r"Missing text .{0,80} nothing, people say what it is 0 not certain", page)


def test_the_project_page_lists_eval_sets_with_checks(client_of, lead, run, project):
    make_version(project, 1, name="Without checks")

    answer = client_of(lead).get(reverse("taxonomy:meanings", args=[project.slug]))

    assert re.search(r"Eval set Checks That mean an error type Inbox 2 2", text_of(answer))
    assert "Without checks" not in text_of(answer)


def test_a_change_is_looked_at_first(client_of, lead, run, is_json, types):
    """To wrong value: the first output gains it; the second has it by its field already. Both lose broken format."""
    find_by_checks(run)
    said = {"cause-invalid_json": types["wrong_value"].pk, "preview": "1"}

    answer = client_of(lead).post(page_of(is_json), said)

    assert answer.status_code == 200
    rows = [(each.error_type.code, each.gained, each.lost) for each in answer.context["effects"]]
    assert sorted(rows) == [("broken_format", 0, 2), ("wrong_value", 1, 0)]
    assert re.search(r"Wrong value 1 0", text_of(answer))
    assert re.search(r"<h2[^>]* autofocus>Outputs that gain or lose", answer.content.decode())
    assert f'<option value="{types["wrong_value"].pk}" selected>' in answer.content.decode()
    assert is_json.meanings.get(cause="invalid_json").error_type == types["broken_format"]


def test_what_the_look_says_is_what_the_change_does(client_of, lead, run, is_json, types):
    find_by_checks(run)
    wanted = {"invalid_json": types["wrong_value"].pk}
    effects = {each.error_type.code: (each.gained, each.lost) for each in effects_of(is_json, wanted)}
    before = having(types)

    client_of(lead).post(page_of(is_json), {"cause-invalid_json": types["wrong_value"].pk})
    find_by_checks(run)

    after = having(types)
    done = {code: (len(after[code] - before[code]), len(before[code] - after[code])) for code in types}
    assert {code: both for code, both in done.items() if any(both)} == effects


def having(types):
    """code -> outputs with that finding by checks."""
    return {
        code: set(Verdict.objects.filter(findings__error_type=each, findings__source="check").values_list("output"))
        for code, each in types.items()
    }


def test_outputs_that_people_passed_are_left_out_of_the_look(run, is_json, reviewer):
    item = make_round(run).items.order_by("pk").first()
    record_label(item, reviewer, assessed("pass"))

    (effect,) = effects_of(is_json, {"invalid_json": None})

    assert (effect.gained, effect.lost) == (0, 1)


def test_a_change_is_stored_and_told(client_of, lead, run, is_json, types):
    said = {
        "cause-invalid_json": "",
        "cause-cut_off_json": types["missing_information"].pk,
        "cause-json_in_fence": types["broken_format"].pk,
    }

    answer = client_of(lead).post(page_of(is_json), said, follow=True)

    assert "Findings of “Valid JSON” now follow" in text_of(answer)
    assert dict(is_json.meanings.values_list("cause", "error_type__code")) == {
        "no_answer": "no_answer",  # was not on the page that was sent
        "text_around_json": "broken_format",
        "json_in_fence": "broken_format",
        "cut_off_json": "missing_information",
    }
    assert Event.objects.filter(action="changed what the check means").count() == 1


def test_the_same_meanings_again_are_no_change(client_of, lead, run, is_json, types):
    answer = client_of(lead).post(page_of(is_json), {"cause-invalid_json": types["broken_format"].pk}, follow=True)

    assert "Nothing was changed" in text_of(answer)
    assert not Event.objects.filter(action="changed what the check means").exists()


def test_a_field_of_its_own_may_mean_another_type(client_of, lead, run, fields, types):
    client = client_of(lead)
    assert "As “Wrong field”" in client.get(page_of(fields)).content.decode()

    client.post(page_of(fields), {"cause-wrong_field:total": types["invented_information"].pk})

    assert re.search(r"Wrong field: total Invented information 1 certain", text_of(page_of_set(client, run)))
    find_by_checks(run)
    found = Verdict.objects.order_by("output").values_list("findings__error_type__code", flat=True)
    assert sorted(found) == ["broken_format", "broken_format", "invented_information", "wrong_value"]


def test_a_type_that_is_not_the_projects_is_refused(client_of, lead, run, is_json):
    answer = client_of(lead).post(page_of(is_json), {"cause-invalid_json": "999999"})

    assert answer.status_code == 422
    assert is_json.meanings.get(cause="invalid_json").error_type.code == "broken_format"


def test_a_retired_type_stays_chosen_until_another_is(client_of, lead, run, is_json, types):
    ErrorType.objects.filter(pk=types["broken_format"].pk).update(retired_at=run.finished_at)
    client = client_of(lead)

    assert "Broken format (retired)" in client.get(page_of(is_json)).content.decode()
    assert re.search(r"Invalid JSON .{0,80} Broken format retired 2 certain", text_of(page_of_set(client, run)))
    said = {"cause-invalid_json": types["broken_format"].pk, "cause-cut_off_json": types["wrong_value"].pk}
    assert client.post(page_of(is_json), said).status_code == 302


def test_a_retired_check_means_nothing_to_change(client_of, lead, run, is_json):
    is_json.retired_at = run.finished_at
    is_json.save()

    assert client_of(lead).get(page_of(is_json)).status_code == 404
    assert "Valid JSON" not in text_of(page_of_set(client_of(lead), run))


def test_progress_is_shown_until_every_run_follows(client_of, lead, run):
    client = client_of(lead)
    url = reverse("taxonomy:meanings_progress", args=[run.project.slug, run.version.eval_set_id])

    assert "in 0 of 1 run" in text_of(client.get(url))
    assert "hx-trigger" in client.get(url).content.decode()
    find_by_checks(run)
    assert "in the one run of the eval set" in text_of(client.get(url))
    assert "hx-trigger" not in client.get(url).content.decode()


def test_an_output_says_who_found_what(client_of, lead, reviewer, run, types):
    find_by_checks(run)
    client, output = client_of(lead), run.outputs.order_by("pk")[1]

    assert re.search(
        r"Fail by checks alone. Nobody has settled this output. "
        r"Broken format by check “Valid JSON” Wrong value by check “Fields”",
        fragment(client, output),
    )
    item = make_round(run, labels_wanted=2).items.get(output=output)
    for person in (reviewer, lead):
        record_label(item, person, assessed("fail", [types["invented_information"]], failing_step=2))
    page = fragment(client, output)
    assert f"Fail by people: {reviewer}, {lead} Invented information First failing step: 2" in page
    assert "Broken format by check “Valid JSON”" in page


def test_an_output_that_a_person_passed_says_that_checks_do_not_count(client_of, lead, run):
    find_by_checks(run)
    output = run.outputs.order_by("pk")[0]
    decide(make_round(run).items.get(output=output), lead, assessed("pass", note="The fence is fine."))

    page = fragment(client_of(lead), output)

    assert re.search(r"Pass by people .*settled it over the labels.*The fence is fine.", page)
    assert "A person passed it, so what the check found does not count." in page


def test_an_output_of_which_nothing_is_known_says_so(client_of, lead, run):
    assert "Not settled" in fragment(client_of(lead), run.outputs.order_by("pk")[4])


def test_queries_do_not_grow_with_checks_and_causes(client_of, lead, run):
    client = client_of(lead)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page_of_set(client, run)
        return len(seen)

    queries()
    few = queries()
    for number in range(20):
        check = make_check(run.version, f"Check {number}", "json_fields")
        mean_by_default(check)
        make_score(run.outputs.earliest("pk"), check, False, f"wrong_field:f{number}")
    assert queries() == few


def test_meanings_of_every_other_cause_are_shown_last(client_of, lead, run, is_json, types):
    CheckMeaning.objects.create(by=is_json, cause="", error_type=types["invented_information"])

    page = text_of(page_of_set(client_of(lead), run))

    assert re.search(r"Every other cause Invented information 0", page)
