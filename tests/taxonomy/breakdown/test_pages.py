"""The pages of the breakdown: every figure is a link to what it counts, and charts say what tables say."""

import html
import re

import pytest
from django.urls import reverse

from evalhub.exports.models import Export
from taxonomy.models import ErrorType
from taxonomy.settling import record_verdict
from taxonomy.versions import record_change
from tests.exports.asking import rows as exported
from tests.making import make_check, make_round, make_run, make_score, make_version, numbered
from tests.taxonomy.breakdown.making import make_scene

# A link with the count that it claims: in a cell of a matrix, as a number by itself, and as the mark of a chart.
CELL = re.compile(
    r'<a href="([^"]+)"><span class="heat-share">[^<]+</span></a><span class="heat-note">'
    r'(?:<span class="nowrap">)?([\d\u202f]+) of'
)
NUMBER = re.compile(r'<a class="number-link" href="([^"]+)">([\d\u202f]+)</a>')
MARK = re.compile(r'<a href="([^"]+)" aria-label="[^"]*: (?:about )?[\d.]+ %, (?:from )?([\d\u202f]+) of')
UNREAD = re.compile(r'<a href="([^"]+)">([\d\u202f]+)</a> of [\d\u202f]+ read')
LINK = re.compile(r'href="([^"]*/(?:breakdown/outputs|runs/scored)/[^"]*)"')


@pytest.fixture
def scene(project):
    return make_scene(project)


def opened(client, project, name="breakdown", **query):
    answer = client.get(reverse(f"taxonomy:{name}", args=[project.slug]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def claims(page):
    """(address, count) of every link to outputs; fails where a link claims no count."""
    found = [pair for pattern in (CELL, NUMBER, MARK, UNREAD) for pair in pattern.findall(page)]
    claimed = [(html.unescape(address), int(count.replace("\u202f", ""))) for address, count in found]
    assert {address for address, _ in claimed} == {html.unescape(address) for address in LINK.findall(page)}
    return claimed


def counted(client, address):
    """How many outputs the page behind a link lists, and says that it does."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    listed = set(re.findall(r"/outputs/(\d+)/", answer.content.decode()))
    if "/breakdown/outputs/" in address:
        assert answer.context["count"] == len(listed), address
    return len(listed)


QUERIES = [
    {},
    {"estimate": "all"},
    {"source": "people"},
    {"source": "check"},
    {"tag": "vip"},
    {"tag": "even", "estimate": "all"},
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("name", ["breakdown", "mode", "by_checks", "summary"])
def test_every_link_opens_exactly_as_many_outputs_as_it_says(client_of, project, lead, scene, name, query):
    client = client_of(lead)

    found = claims(opened(client, project, name, **query))

    assert found
    assert [(address, counted(client, address)) for address, _ in found] == found


def test_every_mode_opens_as_many_outputs_as_it_says(client_of, project, lead, scene):
    client = client_of(lead)
    make_run(scene.version, scene.runs[1].candidate)  # a trend has two runs
    for error_type in scene.types.values():
        found = claims(opened(client, project, "mode", mode=error_type.pk, trend=scene.runs[1].candidate_id))
        assert [(address, counted(client, address)) for address, _ in found] == found


def test_links_of_a_round_and_of_an_older_taxonomy_open_what_they_count(client_of, project, lead, scene):
    client = client_of(lead)
    made = make_round(scene.runs[0])
    made.items.filter(output__example__position__gt=2).delete()
    added = ErrorType.objects.create(project=project, code="added", name="Added", position=9)
    number = record_change(project, "Added", None).number
    record_verdict(scene.runs[1].outputs.earliest("pk"), "fail", [added.pk])

    for query in ({"round": made.pk}, {"as_of": number - 1}, {"as_of": number - 1, "estimate": "all"}):
        page = opened(client, project, **query)
        found = claims(page)
        assert [(address, counted(client, address)) for address, _ in found] == found
    assert "Not in this version" in page


def test_the_export_behind_a_figure_holds_as_many_rows(client_of, project, lead, scene):
    client = client_of(lead)
    for address, count in claims(opened(client, project)):
        query = dict(pair.split("=") for pair in address.partition("?")[2].split("&"))
        if query.pop("run") and "right" not in query:
            run = address.partition("run=")[2].partition("&")[0]
            assert len(exported(project, "verdicts", run=run, **query)) == count
    assert Export.objects.exists()


def test_charts_and_tables_say_the_same(client_of, project, lead, scene):
    """The bars of candidates, of one mode and of its slices, against the cells of the tables beside them."""
    client = client_of(lead)
    page = opened(client, project)
    marks, numbers, cells = (dict(pattern.findall(page)) for pattern in (MARK, NUMBER, CELL))
    assert marks
    assert marks.items() <= numbers.items()
    assert marks.items() <= cells.items()

    mode = opened(client, project, "mode", mode=scene.types["format"].pk)
    in_charts, in_table = dict(MARK.findall(mode)), dict(CELL.findall(mode)) | dict(CELL.findall(page))
    assert in_charts.items() <= (in_table | dict(NUMBER.findall(mode))).items() | {
        (address, "0") for address, count in in_charts.items() if count == "0"
    }


def test_the_page_says_which_rates_it_shows_and_what_the_difference_is(client_of, project, lead, scene):
    client = client_of(lead)

    reviewed, estimated = opened(client, project), opened(client, project, estimate="all")

    assert "Rates by people are of the outputs that people read" in reviewed
    assert "estimate=all" in reviewed
    assert "Rates by people are estimated for all outputs" in estimated
    # Old model: 5 of 8 failed; three of them were certain, two had one chance in two: (3 + 4) / (4 + 8) = 58.3 %.
    assert "62.5 % of the 8 outputs that were read failed, and about 58.3 % of all 12" in estimated


def test_where_nothing_can_be_said_of_all_outputs_the_page_says_why(client_of, project, lead):
    version = make_version(project, 3)
    check, run = make_check(version), make_run(version)
    first, second, third = run.outputs.order_by("pk")
    for output in (first, second, third):
        make_score(output, check, passed=output != first)
    record_verdict(first, "fail", [], 0.5)
    client = client_of(lead)

    assert "People read no output that passed every check that could judge it" in opened(
        client, project, estimate="all"
    )

    record_verdict(second, "pass")
    assert "Of 1 settled output the chance of being chosen is not known" in opened(client, project, estimate="all")


def test_a_candidate_run_again_keeps_its_labels_and_the_page_says_so(client_of, project, lead, scene):
    newer = make_run(scene.version, scene.runs[1].candidate)
    client = client_of(lead)

    page = opened(client, project)
    assert f"Its newer run {newer.pk} has no verdict by people yet" in page
    assert client.get(reverse("taxonomy:breakdown", args=[project.slug])).context["breakdown"].runs == scene.runs

    link = re.search(rf'href="([^"]+)">show run {newer.pk} instead', page)[1]
    answer = client.get(html.unescape(link))
    assert answer.context["breakdown"].runs == [scene.runs[0], newer]
    assert f"People settled outputs of run {scene.runs[1].pk}" in answer.content.decode()


def test_rows_fold_and_unfold_by_links_alone(client_of, project, lead, scene):
    client = client_of(lead)
    page = opened(client, project)
    assert ">Invented<" in page

    fold = re.search(r'href="([^"]+)"[^>]* aria-label="Fold Grounding"', page)[1]
    folded = client.get(html.unescape(fold)).content.decode()
    assert ">Invented<" not in folded.partition('id="mode"')[0]
    assert 'aria-expanded="false" aria-label="Unfold Grounding"' in folded
    unfold = re.search(r'href="([^"]+)"[^>]* aria-label="Unfold Grounding"', folded)[1]
    assert ">Invented<" in client.get(html.unescape(unfold)).content.decode()


def test_what_is_shown_has_one_address(client_of, project, lead, scene):
    address = reverse("taxonomy:breakdown", args=[project.slug])

    answer = client_of(lead).get(
        address,
        {"tag": "vip", "round": "", "version": scene.version.pk, "source": "both"},
        headers={"HX-Request": "true"},
    )

    assert answer.headers["HX-Push-Url"] == f"{address}?version={scene.version.pk}&tag=vip"
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("breakdown", {"version": "x"}, 400),
        ("breakdown", {"version": "999999"}, 400),
        ("breakdown", {"version": "1' OR 1=1"}, 400),
        ("breakdown", {"run": "999999"}, 400),
        ("breakdown", {"round": "999999"}, 400),
        ("breakdown", {"as_of": "999999"}, 400),
        ("breakdown", {"candidate": "999999"}, 400),
        ("breakdown", {"fold": "x"}, 400),
        ("breakdown", {"tag": "nobody-has-it"}, 200),
        ("mode", {"mode": "999999"}, 400),
        ("mode", {"trend": "999999"}, 400),
        ("by_checks", {"version": "999999"}, 400),
        ("outputs", {"run": "x"}, 400),
        ("outputs", {}, 404),
        ("outputs", {"run": "999999"}, 404),
    ],
)
def test_odd_addresses_are_answered_calmly(client_of, project, lead, scene, name, query, status):
    answer = client_of(lead).get(reverse(f"taxonomy:{name}", args=[project.slug]), query)

    assert answer.status_code == status
    if status == 400 and name != "outputs":
        assert re.search(
            r'<p class="notice notice-bad readable" role="alert">[A-Z“][^<]+\. [^<]+\.</p>', answer.content.decode()
        )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"outcome": "maybe"}, 400),
        ({"right": "1"}, 400),
        ({"source": "judge"}, 400),
        ({"own": "no"}, 400),
        ({"as_of": "77"}, 400),
        ({"error_type": "x"}, 400),
        ({"error_type": "999999"}, 404),
        ({"round": "999999"}, 400),
    ],
)
def test_outputs_that_no_figure_counts_are_refused(client_of, project, lead, scene, query, status):
    address = reverse("taxonomy:outputs", args=[project.slug])

    assert client_of(lead).get(address, {"run": scene.runs[0].pk, **query}).status_code == status


@pytest.mark.parametrize("name", ["breakdown", "mode", "by_checks", "summary", "outputs"])
def test_leads_alone_see_it(client_of, project, reviewer, stranger, scene, name):
    address = reverse(f"taxonomy:{name}", args=[project.slug])
    query = {"run": scene.runs[0].pk}

    assert client_of(reviewer).get(address, query).status_code == 403
    assert client_of(stranger).get(address, query).status_code == 404


def test_a_round_of_another_project_is_none(client_of, project, lead, stranger, scene):
    foreign = make_round(make_run(make_version(stranger.memberships.get().project, 2)))

    address = reverse("taxonomy:breakdown", args=[project.slug])
    assert client_of(lead).get(address, {"round": foreign.pk}).status_code == 400


def test_hostile_names_are_shown_and_do_nothing(client_of, project, lead):
    hostile = '<script>alert("x")</script>\u202e'
    version = make_version(project, [numbered(1) | {"tags": [hostile]}], name=hostile)
    run = make_run(version, hostile)
    error_type = ErrorType.objects.in_project(project).active().earliest("pk")
    error_type.name, error_type.definition = hostile, hostile
    error_type.save()
    record_change(project, hostile, None)
    record_verdict(run.outputs.get(), "fail", [error_type.pk])
    client = client_of(lead)

    for name in ("breakdown", "mode", "by_checks", "summary"):
        page = opened(client, project, name, **({} if name == "summary" else {"tag": hostile}))
        assert "<script>alert" not in page
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", page)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("nothing", "Nothing to break down yet"),
        ("a run", "No failure is known yet"),
        ("a cancelled run", "No run stands for a candidate here"),
    ],
)
def test_an_empty_page_says_what_to_do_next(client_of, project, lead, made, says):
    if made != "nothing":
        run = make_run(make_version(project, 2))
        run.state = "cancelled" if "cancelled" in made else "finished"
        run.save()
    client = client_of(lead)

    assert says in opened(client, project)
    for name in ("mode", "by_checks", "summary"):
        opened(client, project, name)


def test_filters_that_leave_nothing_are_named_as_the_reason(client_of, project, lead, scene):
    unread = make_run(scene.version, "unread-model")

    page = opened(client_of(lead), project, candidate=unread.candidate_id)

    assert "Nothing is counted with these filters" in page
    assert "No failure is known yet" not in page
    assert "Reset the filters" in page


def test_a_chart_says_at_most_where_none_was_found(client_of, project, lead, scene):
    page = opened(client_of(lead), project, "mode", mode=scene.types["format"].pk)

    assert re.search(r">0 of \d+,</span> <span class=\"nowrap\">at most \d", page)
    assert not re.search(r">0 of \d+,</span> <span class=\"nowrap\">0\.0 % to", page)


@pytest.mark.parametrize("candidates", [2, 6])
def test_the_pages_take_the_same_queries_for_any_number_of_candidates(
    client_of, project, lead, scene, candidates, django_assert_max_num_queries
):
    for number in range(candidates):
        for output in make_run(scene.version, f"model-{number}").outputs.all()[:3]:
            record_verdict(output, "fail", [scene.types["invented"].pk], 0.5)
    client = client_of(lead)

    for name, most in (("breakdown", 21), ("mode", 25), ("by_checks", 11), ("summary", 16)):
        with django_assert_max_num_queries(most):
            opened(client, project, name)
