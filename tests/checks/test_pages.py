"""The pages of the checks, as people of each role see them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from evalhub.checks.models import Check, Score
from evalhub.checks.scoring import score_run
from evalhub.projects.models import Event
from evalhub.runs.models import Output, Run
from tests.checks.conftest import ANSWER_FIELD
from tests.making import make_check, make_run, make_score, make_version

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}\u202eabc\x1b[31m"
SHOWN = "&lt;img src=x onerror=alert(1)&gt;{{7*7}}⟨U+202E⟩abc␛[31m"


@pytest.fixture
def version(project):
    return make_version(project, 3)


@pytest.fixture
def page(client_of, lead, project):
    """The lead opens a page by its name: ``page("checks:new", 1)`` returns the answer."""
    client = client_of(lead)

    def opened(name, *arguments, query="", post=None, htmx=False):
        path = reverse(name, args=[project.slug, *arguments]) + query
        headers = {"HX-Request": "true"} if htmx else {}
        return client.get(path, headers=headers) if post is None else client.post(path, post, headers=headers)

    return opened


def text_of(response):
    return response.content.decode()


def plain(html):
    """The text of a page with its white space evened out."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def form_data(**more):
    return {"name": "Short", "parameter-pattern": "^.$", "parameter-mode": "match"} | more


def test_an_eval_set_without_checks_says_what_to_do(page, version):
    response = page("checks:of_eval_set", version.eval_set_id, htmx=True)

    assert "No check yet" in text_of(response)
    assert reverse("checks:new", args=[version.eval_set.project.slug, version.eval_set_id]) in text_of(response)


def test_the_checks_of_an_eval_set_with_figures_of_the_newest_runs(page, version):
    make_run(version, "small", ["1", "2", "3"])
    newest = make_run(version, "small", ["1", "x", "x"])
    other = make_run(version, "other", ["1", "2", "x"])
    check = make_check(version, "Equal", "equals", ignore_case=False)
    for run in Run.objects.all():
        score_run(run)

    html = text_of(page("checks:of_eval_set", version.eval_set_id, htmx=True))

    assert "Equal The whole answer is the expected text" in plain(html)
    assert "Ignore upper and lower case: no" in plain(html)
    assert "3 50.0 % 3 0 Change" in plain(html)
    assert f"run={other.pk}&amp;run={newest.pk}&amp;check={check.pk}&amp;outcome=passed" in html


def test_choosing_a_kind_tells_what_each_is_for(page, version):
    text = plain(text_of(page("checks:new", version.eval_set_id)))

    assert "Valid JSON The answer is strict JSON, alone or inside a code fence. Expected output: not needed" in text
    assert "Expected output: a text, a number or JSON" in text


def test_adding_a_check(page, version, lead):
    response = page("checks:add", version.eval_set_id, "matches", post=form_data(**{"parameter-ignore_case": "on"}))

    assert response.status_code == 302
    assert response.url == reverse("evalsets:show", args=[version.eval_set.project.slug, version.eval_set_id])
    check = Check.objects.get()
    assert (check.eval_set, check.name, check.kind) == (version.eval_set, "Short", "matches")
    assert check.parameters == {"pattern": "^.$", "mode": "match", "ignore_case": True}
    assert Event.objects.filter(actor=lead, action="added the check").get().subject == "Short to Inbox"


def test_a_name_is_suggested_that_is_free(page, version):
    make_check(version, "Matches a pattern", "matches", pattern="a")

    assert 'value="Matches a pattern 2"' in text_of(page("checks:add", version.eval_set_id, "matches"))


def test_a_faulty_form_comes_back_with_the_sentence_at_its_field(page, version):
    response = page("checks:add", version.eval_set_id, "matches", post=form_data(**{"parameter-pattern": "("}))

    assert response.status_code == 422
    [field] = re.findall(r'<input[^>]*name="parameter-pattern"[^>]*>', text_of(response))
    assert 'value="("' in field and 'aria-invalid="true"' in field and " autofocus" in field
    assert "The pattern is not understood" in text_of(response)
    assert not Check.objects.exists()


def test_trying_a_check_shows_what_it_would_say_and_stores_nothing(page, version):
    run = make_run(version, "small", ["1", "22", "3"])
    data = form_data(**{"try": "1"})

    response = page("checks:add", version.eval_set_id, "matches", post=data, htmx=True)

    text = plain(text_of(response))
    assert response.status_code == 200
    assert "Of 3 outputs of the newest runs 2 pass, 1 fail and 0 cannot be checked. Nothing is saved yet." in text
    assert text.index("Failed example-2 small No match.") < text.index("Passed example-1 small")
    assert reverse("runs:output", args=[run.project.slug, run.outputs.first().pk]) in text_of(response)
    assert (
        not Check.objects.exists() and not Score.objects.exists() and not Event.objects.filter(action__contains="check")
    )


def test_a_check_is_tried_on_ten_outputs_at_most_and_on_every_candidate(page, project):
    version = make_version(project, 8)
    make_run(version, "small", ["old"] * 8)
    for name in ("small", "middle", "large"):
        make_run(version, name, [name] * 8)

    text = plain(text_of(page("checks:add", version.eval_set_id, "matches", post=form_data(**{"try": "1"}))))

    assert "Of 10 outputs of the newest runs" in text
    assert [text.count(f"example-1 {name}") for name in ("small", "middle", "large")] == [1, 1, 1]
    assert " old " not in text


def test_trying_a_check_before_there_is_an_output(page, version):
    response = page("checks:add", version.eval_set_id, "matches", post=form_data(**{"try": "1"}))

    assert "There is no output of this eval set yet" in text_of(response)


def test_changing_a_check_retires_it_and_adds_another(page, version):
    old = make_check(version, "Short", "matches", pattern="^..$")
    assert 'value="^..$"' in text_of(page("checks:edit", old.pk))

    response = page("checks:edit", old.pk, post=form_data())

    assert response.status_code == 302
    old.refresh_from_db()
    assert old.retired_at is not None
    assert Check.objects.active().get().parameters["pattern"] == "^.$"
    assert page("checks:edit", old.pk).status_code == 404


def test_retiring_a_check_keeps_its_scores_and_says_so_when_done_twice(page, version):
    run = make_run(version)
    check = make_check(version, "Equal")
    score_run(run)

    page("checks:retire", check.pk, post={})
    page("checks:retire", check.pk, post={})

    assert Score.objects.count() == 3
    html = text_of(page("checks:of_eval_set", version.eval_set_id))
    assert "Retired checks (1)" in html
    assert "“Equal” is retired. Its scores stay." in html
    assert "This check is retired already." in html


def test_a_check_that_does_not_exist_in_this_version_can_be_seen_and_retired(page, version):
    check = make_check(version, "Stars", "horoscope", sign="leo")
    make_run(version)

    html = text_of(page("checks:of_eval_set", version.eval_set_id))

    assert "This version of EvalHub cannot run this check." in html
    assert reverse("checks:edit", args=[version.eval_set.project.slug, check.pk]) not in html
    assert page("checks:edit", check.pk).status_code == 404
    assert page("checks:add", version.eval_set_id, "horoscope").status_code == 404
    assert page("checks:retire", check.pk, post={}).status_code == 302


def test_the_scores_of_a_real_run(page, gsm_runs):
    run = gsm_runs["claude-3-5-sonnet-20240620"]
    make_check(run.version, "Number", "number", source="pattern", pattern=ANSWER_FIELD)
    valid = make_check(run.version, "JSON", "valid_json")
    score_run(run)

    html = text_of(page("checks:run_scores", run.pk, htmx=True))

    text = plain(html)
    assert "Number 293 7 0 97.7 % 95.3 % to 98.9 %" in text
    assert "JSON 89 211 0 29.7 % 24.8 % to 35.1 %" in text
    [cause] = Score.objects.filter(by=valid, outcome="failed").values_list("cause", flat=True).distinct()
    assert f"run={run.pk}&amp;check={valid.pk}&amp;outcome=failed&amp;cause={cause}" in html
    assert "hx-trigger" not in html


def test_the_chart_agrees_with_the_table_and_its_links_count_the_same(page, gsm_runs):
    run = gsm_runs["claude-3-5-sonnet-20240620"]
    make_check(run.version, "JSON", "valid_json")
    score_run(run)

    html = text_of(page("checks:run_scores", run.pk, htmx=True))

    chart, table = html.split("<table>", 1)
    [(link, label)] = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)">', chart)
    # 89 / 300 = 29.67 %; Wilson 24.78 to 35.07 %.
    assert label == "JSON: 29.7 %, 89 of 300, 95 % interval 24.8 % to 35.1 %"
    assert re.search(r'<rect class="chart-mark series-1" y="6" width="29.67%"', chart)
    assert re.search(r'class="chart-whisker"><line x1="24.78%" x2="35.07%"', chart)
    assert f'href="{link}">89</a>' in table
    listed = page("checks:outputs", query="?" + link.partition("?")[2].replace("&amp;", "&"))
    assert "Passed (89)" in text_of(listed)


def test_none_failed_is_told_with_what_it_cannot_rule_out(page, version):
    run = make_run(version)
    make_check(version)
    score_run(run)

    # 1 - 0.025 ** (1 / 3) = 0.7076
    assert "at most 70.8 % fail" in text_of(page("checks:run_scores", run.pk))


def test_the_scores_of_a_run_ask_again_until_all_is_scored(page, version):
    run = make_run(version)
    make_check(version)

    before = text_of(page("checks:run_scores", run.pk, htmx=True))
    score_run(run)
    after = text_of(page("checks:run_scores", run.pk, htmx=True))
    Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING)
    running = text_of(page("checks:run_scores", run.pk, htmx=True))

    assert "0 of 3 outputs are scored by every check so far." in before
    assert ['hx-trigger="every 3s"' in html for html in (before, after, running)] == [True, False, True]


def test_the_scores_of_an_output_in_plain_words(page, version):
    run = make_run(version, "small", ["1", "x", "3"])
    make_check(version, "Equal")
    retired = make_check(version, "Calls", "tool_calls")
    score_run(run)
    retired.retired_at = retired.created_at
    retired.save()
    make_check(version, "Late")
    unasked = make_check(version, "Unasked")
    unasked.retired_at = unasked.created_at
    unasked.save()

    text = plain(text_of(page("checks:output_scores", run.outputs.order_by("pk")[1].pk, htmx=True)))

    assert text.startswith("Checks Failed Equal Different. ")
    assert "Not scored yet Late Could not be checked Calls retired The example gives a text" in text
    assert "Unasked" not in text


def test_the_outputs_behind_a_number(page, version):
    run, other = make_run(version, "small", ["1", "x", "y"]), make_run(version, "other", ["x", "x", "x"])
    equal, short = make_check(version, "Equal"), make_check(version, "Short", "matches", pattern="^.$")
    for scored in (run, other):
        score_run(scored)

    def keys(query):
        return re.findall(r">(example-\d)</a>", text_of(page("checks:outputs", query=query)))

    assert keys(f"?run={run.pk}&check={equal.pk}&outcome=failed") == ["example-2", "example-3"]
    assert keys(f"?run={run.pk}&check={equal.pk}&outcome=failed&cause=different") == ["example-2", "example-3"]
    assert keys(f"?run={run.pk}&check={equal.pk}&outcome=failed&cause=more_text") == []
    assert keys(f"?run={run.pk}&run={other.pk}&check={equal.pk}&outcome=passed") == ["example-1"]
    assert len(keys(f"?check={equal.pk}")) == 6
    assert len(keys(f"?run={run.pk}")) == 6
    assert keys("?outcome=skipped") == []
    assert len(keys(f"?check={short.pk}&outcome=passed")) == 6


def test_an_output_in_the_list_shows_request_expected_answer_and_message(page, version):
    run = make_run(version, "small", ["1", "x", "3"])
    check = make_check(version, "Equal")
    score_run(run)

    html = text_of(page("checks:outputs", query=f"?run={run.pk}&check={check.pk}&outcome=failed"))

    assert "Failed example-2 small · Equal Different." in plain(html)
    assert "Request Say the number 2. Expected 2 Answer x" in plain(html)
    assert reverse("runs:output", args=[run.project.slug, run.outputs.order_by("pk")[1].pk]) in html


def test_a_long_answer_is_shown_by_its_beginning_and_its_end(page, version):
    run = make_run(version, "small", ["begin " + "x" * 5000 + " end", "2", "3"])
    check = make_check(version, "Equal")
    score_run(run)

    html = text_of(page("checks:outputs", query=f"?run={run.pk}&check={check.pk}&outcome=failed"))

    shown = re.findall(r'<pre class="text"[^>]*>(.*?)</pre>', html, re.DOTALL)[2]
    assert shown.startswith("begin xxx") and shown.endswith("xxx end") and "\n…\n" in shown
    assert len(shown) == 600


def test_the_list_is_paged_by_key(page, project):
    version = make_version(project, 45)
    run = make_run(version)
    make_check(version)
    score_run(run)

    first = text_of(page("checks:outputs", query=f"?run={run.pk}"))
    after = re.search(r'rel="next" href="(\?[^"]+)"', first)[1].replace("&amp;", "&")
    second = text_of(page("checks:outputs", query=after))

    assert re.findall(r">example-(\d+)</a>", first) == [str(number) for number in range(1, 21)]
    assert re.findall(r">example-(\d+)</a>", second) == [str(number) for number in range(21, 41)]


@pytest.mark.parametrize(
    "query",
    [
        "?order=output__run__project__slug",
        "?check__eval_set=1",
        "?run=1 or 1",
        "?run=-1",
        "?run=" + "9" * 30,
        "?check=abc",
        "?check=1&check=2",
        "?outcome=maybe",
        "?outcome=failed&outcome=passed",
        "?cause=" + "a" * 81,
        "?cause=%00",
        "?after=soon",
        "?before=-1",
        "?" + "&".join(f"run={number}" for number in range(51)),
    ],
)
def test_an_odd_address_is_refused(page, version, query):
    assert page("checks:outputs", query=query).status_code == 400


def test_runs_and_checks_of_other_projects_are_not_there(page, version, stranger):
    foreign = make_version(stranger.memberships.get().project, 1)
    run = make_run(foreign)
    check = make_check(foreign)
    make_score(run.outputs.get(), check, passed=False)
    own = make_run(version)

    assert page("checks:outputs", query=f"?run={run.pk}").status_code == 404
    assert page("checks:outputs", query=f"?run={own.pk}&run={run.pk}").status_code == 404
    assert page("checks:outputs", query=f"?check={check.pk}").status_code == 404
    assert page("checks:outputs", query="?run=999999999").status_code == 404
    assert "example-1" not in text_of(page("checks:outputs"))


@pytest.mark.parametrize(
    ("who", "status"), [("admin", 200), ("lead", 200), ("reviewer", 403), ("stranger", 404), ("nobody", 302)]
)
def test_pages_are_for_leads(request, client, client_of, version, who, status):
    run = make_run(version)
    check = make_check(version)
    score_run(run)
    slug = version.eval_set.project.slug
    visitor = client if who == "nobody" else client_of(request.getfixturevalue(who))
    paths = [
        reverse("checks:of_eval_set", args=[slug, version.eval_set_id]),
        reverse("checks:new", args=[slug, version.eval_set_id]),
        reverse("checks:add", args=[slug, version.eval_set_id, "equals"]),
        reverse("checks:edit", args=[slug, check.pk]),
        reverse("checks:run_scores", args=[slug, run.pk]),
        reverse("checks:output_scores", args=[slug, run.outputs.first().pk]),
        reverse("checks:outputs", args=[slug]),
    ]

    assert [visitor.get(path).status_code for path in paths] == [status] * 7


def test_text_from_outside_is_shown_literally(page, project):
    row = {
        "key": HOSTILE,
        "request": {"messages": [{"role": "user", "content": HOSTILE}]},
        "expected_kind": "text",
        "expected": HOSTILE,
    }
    version = make_version(project, [row], name=HOSTILE)
    run = make_run(version, HOSTILE, ["another " + HOSTILE])
    Output.objects.update(tool_calls=[{"id": HOSTILE, "name": HOSTILE, "arguments": HOSTILE}])
    contains = make_check(version, HOSTILE, "contains", texts=[HOSTILE, "missing " + HOSTILE])
    score_run(run)
    Score.objects.update(cause=HOSTILE, message=HOSTILE)
    tried = {"name": "Other", "parameter-texts": HOSTILE, "parameter-mode": "none", "try": "1"}

    pages = [
        page("checks:of_eval_set", version.eval_set_id),
        page("checks:new", version.eval_set_id),
        page("checks:add", version.eval_set_id, "contains", post=tried),
        page("checks:edit", contains.pk),
        page("checks:run_scores", run.pk),
        page("checks:output_scores", run.outputs.get().pk),
        page("checks:outputs"),
        page("checks:outputs", query=f"?check={contains.pk}"),
    ]

    for response in pages:
        html = text_of(response)
        assert response.status_code == 200
        assert SHOWN in html
        assert "<img" not in html
        # What was typed into a field comes back as it is, in an attribute.
        assert "\u202e" not in re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", html, flags=re.DOTALL)


def test_query_counts_do_not_grow(page, project, django_assert_num_queries):
    def fill(name, size):
        version = make_version(project, size, name=name)
        for number in range(size):
            make_check(version, f"Check {number}", "matches", pattern="^.$")
        runs = [make_run(version, f"{name}-{number}") for number in range(size)]
        for run in runs:
            score_run(run)
        return version, runs

    small, large = fill("small", 1), fill("large", 12)

    for version, runs in (small, large):
        output, check = runs[0].outputs.earliest("pk"), version.eval_set.checks.earliest("pk")
        with django_assert_num_queries(7):
            page("checks:of_eval_set", version.eval_set_id)
        with django_assert_num_queries(7):
            page("checks:run_scores", runs[0].pk)
        with django_assert_num_queries(6):
            page("checks:output_scores", output.pk)
        with django_assert_num_queries(8):
            page("checks:outputs", query=f"?check={check.pk}")
