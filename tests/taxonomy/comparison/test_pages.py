import re
from html import unescape

import pytest
from django.urls import reverse

from taxonomy.versions import tree_of
from tests.making import make_run, make_version
from tests.taxonomy.comparison.making import checked, make_type, settle, two_runs


@pytest.fixture
def version(project):
    return make_version(project, 12)


def page(client, project, name="comparison", **query):
    return client.get(reverse(f"taxonomy:{name}", args=[project.slug]), query)


def counted_links(html):
    """(address, number) of every link on the page that says how many pairs it opens."""
    cells = re.findall(r'<a class="number-link" href="([^"]+#pairs)">(\d+)</a>', html)
    stats = re.findall(r'<a class="stat" href="([^"]+)"[^>]*>.*?<span class="stat-value">(\d+)</span>', html)
    words = re.findall(r'<a href="(\?[^"]+#pairs)">(\d+) [^<]+</a>', html)
    return [(unescape(address), int(count)) for address, count in cells + stats + words]


def pairs_behind(client, address):
    """How many pairs are listed there, over all pages of the list."""
    html = client.get(address).content.decode()
    found = len(re.findall(r'<article class="card pair">', html))
    if further := re.search(r'rel="next" href="([^"]+)"', html):
        return found + pairs_behind(client, address.partition("?")[0] + unescape(further[1]))
    return found


def test_every_figure_opens_exactly_the_pairs_that_it_counts(client_of, project, lead, version):
    first, second = two_runs(version)
    grounding = make_type(project, "Grounding")
    invented = make_type(project, "Invented", grounding, severity="critical")
    tone = make_type(project, "Tone")
    settle(first, [True] * 4 + [[tone]] * 2 + [[invented]] + [[grounding]] * 2 + [None] * 3)
    settle(second, [True] * 2 + [[invented]] * 3 + [True, [invented, tone], [tone], [grounding]] + [None, True, None])
    checked(version, "Form", tone, {first: range(3), second: range(2, 10)})
    client = client_of(lead)
    base = reverse("taxonomy:comparison", args=[project.slug])
    html = page(client, project, first=first.pk, second=second.pk).content.decode()

    links = counted_links(html)

    assert len(links) > 30
    for address, count in links:
        assert pairs_behind(client, address if address.startswith("/") else base + address) == count, address


def test_a_project_with_one_run_is_told_what_to_do_next(client_of, project, lead, version):
    make_run(version, "only")

    html = page(client_of(lead), project).content.decode()

    assert "There are not two runs to compare" in html
    assert reverse("runs:new", args=[project.slug]) in html


def test_the_baseline_stands_first_and_the_next_candidate_second(client_of, project, lead, version):
    one, two = two_runs(version)
    make_run(version, "another")

    choice = page(client_of(lead), project).context["choice"]

    assert choice.first == one
    assert choice.second.candidate.name == "another"
    assert {run.candidate.name for run in choice.runs} == {"old", "new", "another"}
    assert page(client_of(lead), project, second=one.pk).context["choice"].first != one
    chosen = page(client_of(lead), project, first=two.pk, second=one.pk).context["choice"]
    assert (chosen.first, chosen.second) == (two, one)


def test_runs_over_two_versions_are_refused_on_the_page(client_of, project, lead, version):
    one, other = make_run(version, "old"), make_run(make_version(project, 2), "new")
    make_run(version, "third")

    answer = page(client_of(lead), project, first=one.pk, second=other.pk)

    assert answer.status_code == 200
    assert "no two of their outputs answer the same example" in answer.content.decode()


def test_a_version_chosen_anew_comes_with_its_own_runs(client_of, project, lead, version):
    first, second = two_runs(version)
    newer = make_version(project, 2)
    runs = [make_run(newer, name) for name in ("old", "new")]

    choice = page(client_of(lead), project, version=newer.pk, first=first.pk, second=second.pk).context["choice"]

    assert [choice.first, choice.second] == runs


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("comparison", {"change": "odd"}, 400),
        ("comparison", {"after": "x"}, 400),
        ("comparison", {"version": "999999"}, 400),
        ("comparison", {"first": "x"}, 400),
        ("comparison", {"first": "999999"}, 404),
        ("comparison", {"as_of": "999"}, 400),
        ("comparison", {"figure": "9999-people"}, 200),
        ("concentration", {"figure": "odd"}, 200),
        ("concentration", {"as_of": "x"}, 400),
        ("transitions", {"first": "999999"}, 404),
        ("transition_outputs", {"run": "999999"}, 404),
        ("transition_outputs", {}, 404),
    ],
)
def test_odd_addresses_are_answered_calmly(client_of, project, lead, version, name, query, status):
    two_runs(version)

    assert page(client_of(lead), project, name, **query).status_code == status


def test_a_run_of_another_project_is_not_there(client_of, project, lead, stranger):
    elsewhere = stranger.memberships.get().project
    foreign = make_run(make_version(elsewhere, 2), "foreign")
    two_runs(make_version(project, 2))

    for name in ("comparison", "concentration", "transitions"):
        assert page(client_of(lead), project, name, first=foreign.pk).status_code == 404
    assert page(client_of(lead), project, "transition_outputs", run=foreign.pk).status_code == 404


@pytest.mark.parametrize("examples", [3, 30])
def test_the_page_takes_the_same_queries_for_any_number_of_pairs_and_types(
    client_of, project, lead, examples, django_assert_num_queries
):
    version = make_version(project, examples)
    first, second = two_runs(version)
    types = [make_type(project, f"Type {number}") for number in range(examples // 3)]
    settle(first, [True] * examples)
    settle(second, [types] * examples)
    checked(version, "Form", types[0], {first: [], second: range(examples)})
    client = client_of(lead)
    query = {"first": first.pk, "second": second.pk, "figure": "people", "change": "broken"}

    with django_assert_num_queries(25):
        page(client, project, **query)


def test_an_older_version_of_the_taxonomy_counts_as_it_did_and_leads_to_the_newest(client_of, project, lead, version):
    first, second = two_runs(version)
    known = make_type(project, "Known")
    number = tree_of(project).number
    new = make_type(project, "New")
    settle(first, [True] * 12)
    settle(second, [[new], [known], *[True] * 10])

    answer = page(client_of(lead), project, first=first.pk, second=second.pk, as_of=number)

    assert f"Error types count as in version {number}" in answer.content.decode()
    assert answer.context["comparison"].figure("unknown-people").counts.second_only == 1
    address = answer.context["modes"].rows[-1].moved.url
    assert pairs_behind(client_of(lead), address) == 1


def test_settled_types_and_failed_checks_stand_below_each_answer(client_of, project, lead, version):
    first, second = two_runs(version)
    tone = make_type(project, "Tone <b>")
    settle(first, [True] * 12)
    settle(second, [[tone], *[True] * 11])

    html = page(client_of(lead), project, figure=f"{tone.pk}-people", change="broken").content.decode()

    (article,) = re.findall(r'<article class="card pair">.*?</article>', html, re.DOTALL)
    assert "Tone &lt;b&gt;" in article
    assert "example-1</a>" in article
