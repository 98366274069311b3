import re

import pytest
from django.urls import reverse

from evalhub.projects.models import Event
from taxonomy.models import ErrorType
from taxonomy.settling import record_verdict
from tests.making import make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 6)


def scored_run(version, name, right):
    """A run whose first ``right`` outputs passed the only check."""
    run = make_run(version, name)
    check = version.eval_set.checks.first() or make_check(version)
    for number, output in enumerate(run.outputs.order_by("pk")):
        make_score(output, check, passed=number < right, cause="different_text")
    return run


def test_a_project_without_runs_is_told_what_to_do_next(client_of, project, lead):
    page = client_of(lead).get(reverse("taxonomy:breakdown", args=[project.slug])).content.decode()

    assert "Nothing to break down yet" in page
    assert reverse("runs:new", args=[project.slug]) in page


def test_every_number_of_the_breakdown_opens_as_many_outputs(client_of, project, lead, version):
    """The count beside each link, and the rows behind it, over all links of the page."""
    runs = [scored_run(version, "a", 2), scored_run(version, "b", 5)]
    types = list(ErrorType.objects.filter(project=project)[:2])
    for run in runs:
        for number, output in enumerate(run.outputs.order_by("pk")[:4]):
            record_verdict(output, "fail" if number else "pass", [each.pk for each in types[: number % 3]])
    client = client_of(lead)
    page = client.get(reverse("taxonomy:breakdown", args=[project.slug])).content.decode()

    cells = re.findall(
        r'<a href="([^"]+)"><span class="heat-share">[^<]+</span></a><span class="heat-note">(\d+) of', page
    )
    bars = re.findall(r'<a class="number-link" href="([^"]+)">(\d+)</a>', page)

    assert len(cells) == 2 + 4 + 2  # failed, two types, and one cause of the check; two candidates
    assert len(bars) == 4
    for address, count in cells + bars:
        opened = client.get(address.replace("&amp;", "&")).content.decode()
        assert len(set(re.findall(r"/outputs/(\d+)/", opened))) == int(count), address


def test_the_comparison_counts_and_shows_what_was_broken(client_of, project, lead, version):
    first, second = scored_run(version, "a", 5), scored_run(version, "b", 2)
    address = reverse("taxonomy:comparison", args=[project.slug])

    answer = client_of(lead).get(address, {"first": first.pk, "second": second.pk, "change": "broken"})

    counts = {change: count for change, _, count in answer.context["change_names"]}
    assert counts == {"broken": 3, "fixed": 0, "both_wrong": 1, "both_right": 2}
    assert [pair.first.example.key for pair in answer.context["pairs"]] == ["example-3", "example-4", "example-5"]


def test_swapping_the_candidates_swaps_what_is_broken_and_fixed(client_of, project, lead, version):
    first, second = scored_run(version, "a", 5), scored_run(version, "b", 2)
    address = reverse("taxonomy:comparison", args=[project.slug])

    answer = client_of(lead).get(address, {"first": second.pk, "second": first.pk})

    counts = {change: count for change, _, count in answer.context["change_names"]}
    assert (counts["broken"], counts["fixed"]) == (0, 3)


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("breakdown", {"version": "x"}, 400),
        ("breakdown", {"version": "999999"}, 400),
        ("breakdown", {"version": "1' OR 1=1"}, 400),
        ("outputs", {"run": "x"}, 400),
        ("outputs", {}, 404),
        ("outputs", {"run": "999999"}, 404),
        ("comparison", {"change": "odd"}, 400),
        ("comparison", {"after": "x"}, 400),
    ],
)
def test_odd_addresses_are_answered_calmly(client_of, project, lead, version, name, query, status):
    scored_run(version, "a", 1)
    scored_run(version, "b", 1)

    assert client_of(lead).get(reverse(f"taxonomy:{name}", args=[project.slug]), query).status_code == status


def test_a_lead_adds_and_changes_error_types_and_the_trail_says_so(client_of, project, lead):
    client = client_of(lead)
    form = {"name": "Wrong amount", "definition": "Too much.", "severity": "critical", "parent": "", "code": "x"}

    client.post(reverse("taxonomy:new_error_type", args=[project.slug]), form)
    added = ErrorType.objects.get(project=project, name="Wrong amount")
    client.post(reverse("taxonomy:edit_error_type", args=[project.slug, added.pk]), form | {"name": "Amount"})

    added.refresh_from_db()
    assert (added.name, added.code, added.severity) == ("Amount", "wrong_amount", "critical")
    actions = Event.objects.filter(project=project).values_list("action", "subject")[:2]
    assert list(actions) == [("changed the error type", "Amount"), ("added the error type", "Wrong amount")]


def test_two_types_of_one_name_are_refused(client_of, project, lead):
    name = ErrorType.objects.filter(project=project).first().name.upper()

    answer = client_of(lead).post(
        reverse("taxonomy:new_error_type", args=[project.slug]), {"name": name, "severity": "major"}
    )

    assert answer.status_code == 422
    assert "There is an error type of this name" in answer.content.decode()


def test_a_parent_of_another_project_is_refused(client_of, project, lead, stranger):
    foreign = ErrorType.objects.exclude(project=project).first()

    answer = client_of(lead).post(
        reverse("taxonomy:new_error_type", args=[project.slug]),
        {"name": "New", "severity": "major", "parent": foreign.pk},
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("candidates", [2, 6])
def test_the_breakdown_takes_the_same_queries_for_any_number_of_candidates(
    client_of, project, lead, version, candidates, django_assert_max_num_queries
):
    for number in range(candidates):
        scored_run(version, f"model-{number}", number)
    client = client_of(lead)

    with django_assert_max_num_queries(12):
        client.get(reverse("taxonomy:breakdown", args=[project.slug]))
    with django_assert_max_num_queries(22):
        client.get(reverse("taxonomy:comparison", args=[project.slug]))


def test_settled_outputs_of_an_older_run_are_told_of_and_shown_when_asked_for(client_of, project, lead, version):
    older = scored_run(version, "a", 2)
    record_verdict(older.outputs.first(), "pass")
    newer = scored_run(version, "a", 2)
    client = client_of(lead)
    address = reverse("taxonomy:breakdown", args=[project.slug])

    first = client.get(address)
    assert first.context["runs"] == [newer]
    assert f"1 settled output of a belongs to its run {older.pk}" in first.content.decode()

    assert client.get(address, {"run": older.pk}).context["runs"] == [older]


def test_an_archived_candidate_leaves_the_figures(client_of, project, lead, version):
    scored_run(version, "a", 2)
    gone = scored_run(version, "b", 2).candidate
    gone.archived_at = gone.created_at
    gone.save()

    runs = client_of(lead).get(reverse("taxonomy:breakdown", args=[project.slug])).context["runs"]

    assert [run.candidate.name for run in runs] == ["a"]
