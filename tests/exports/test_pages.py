"""The page of exports, the buttons that lead there, and who may have what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.exports import preparing
from evalhub.exports.models import Export
from evalhub.projects.models import Member, Role
from tests.exports.asking import asked
from tests.making import make_round, make_run, make_version
from tests.people import make_member, without_token

pytestmark = pytest.mark.django_db
HOSTILE = '"><img src=x onerror=pwned()>\u202e<b id=evil>'


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def run(project):
    return make_run(make_version(project, 3))


@pytest.fixture
def export(project, run):
    return asked(project, "outputs", "csv", run=run.pk)


@pytest.fixture
def waiting(project, run, monkeypatch):
    monkeypatch.setattr(preparing, "SMALL_ROWS", 0)
    return asked(project, "outputs", run=run.pk)


def url(name: str, project, *args: int) -> str:
    return reverse(f"exports:{name}", args=[project.slug, *args])


def ask(client, project, kind="outputs", format="jsonl", **filters):
    return client.post(url("new", project), {"kind": kind, "format": format, **filters})


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize(
    ("format", "type", "begins"),
    [("jsonl", "application/x-ndjson", b'{"example_id":'), ("csv", "text/csv; charset=utf-8", b"example_id,")],
)
def test_a_small_export_is_the_answer_itself(format, type, begins, client_of, lead, project, run):
    answer = ask(client_of(lead), project, format=format, run=run.pk)

    export = Export.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (200, type)
    assert answer["Content-Disposition"] == f'attachment; filename="outputs-run-{run.pk}-export-{export.pk}.{format}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    content = body(answer)
    assert content.startswith(begins)
    assert int(answer["Content-Length"]) == len(content) == export.bytes


def test_a_large_export_leads_to_the_page_that_shows_how_far_it_is(client_of, admin, project, run, waiting):
    client = client_of(admin)

    answer = ask(client, project, run=run.pk, show="answered", after="7")

    assert (answer.status_code, answer["Location"]) == (302, url("list", project))
    assert Export.objects.latest("pk").filters == {"run": str(run.pk), "show": "answered"}
    page = client.get(url("list", project)).content.decode()
    assert f'hx-get="{url("list", project)}"' in page and "Waiting for a worker" in page


def test_the_list_asks_again_until_all_are_over(client_of, admin, project, waiting):
    client = client_of(admin)
    Export.objects.update(state="working", rows_done=1, rows_total=3)

    page = client.get(url("list", project), headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 1s"' in page and 'value="33.3"' in page and "<html" not in page

    Export.objects.update(state="failed", error="There was no room.")
    page = client.get(url("list", project)).content.decode()
    assert "hx-trigger" not in page.partition('id="exports"')[2] and "There was no room." in page


def test_an_export_that_no_worker_takes_up_says_so(client_of, admin, project, waiting):
    client = client_of(admin)
    sentence = "No worker has taken it up yet."

    assert sentence not in client.get(url("list", project)).content.decode()
    Export.objects.update(created_at=timezone.now() - timedelta(seconds=31))
    assert sentence in client.get(url("list", project)).content.decode()


def test_downloaded_again_it_is_the_same_file(client_of, admin, project, export):
    answer = client_of(admin).get(url("download", project, export.pk))

    assert answer["Content-Disposition"] == f'attachment; filename="{export.name}"'
    assert body(answer) == export.path.read_bytes()


def test_an_export_that_is_not_ready_or_lost_its_file_says_so(client_of, admin, project, export, waiting):
    client = client_of(admin)
    export.path.unlink()

    for asked_for, sentence in ((waiting, "not ready"), (export, "not here any more")):
        answer = client.get(url("download", project, asked_for.pk), follow=True)
        assert sentence in answer.content.decode()


def test_nobody_else_has_it_not_even_an_admin(client_of, lead, project, export):
    """Others are told the same as of one that was never made."""
    other = make_member(project, "Ann", Role.ADMIN)
    for person in (lead, other):
        client = client_of(person)
        assert "There are no exports yet" in client.get(url("list", project)).content.decode()
        for name, method in (("download", "get"), ("cancel", "post"), ("throw_away", "post")):
            answers = [getattr(client, method)(url(name, project, pk)) for pk in (export.pk, 999_999)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert len({without_token(answer) for answer in answers}) == 1
    assert Export.objects.get().is_done


def test_who_is_no_lead_any_more_has_it_no_longer(client_of, admin, project, export):
    client = client_of(admin)
    Member.objects.filter(project=project, user=admin).update(role=Role.REVIEWER)

    assert client.get(url("download", project, export.pk)).status_code == 403
    assert client.get(url("list", project)).status_code == 403


def test_a_reviewer_exports_nothing(client_of, reviewer, project, run):
    review_round = make_round(run)
    client = client_of(reviewer)

    for kind, filters in (("labels", {"round": review_round.pk}), ("outputs", {"run": run.pk})):
        assert ask(client, project, kind, **filters).status_code == 403
    assert not Export.objects.exists()
    assert url("list", project) not in client.get(reverse("reviews:home", args=[project.slug])).content.decode()


def test_what_is_not_there_is_a_404_and_what_cannot_be_a_sentence(client_of, lead, project, run):
    client = client_of(lead)

    assert ask(client, project, run=999_999_999).status_code == 404
    for filters, sentence in (
        ({"run": "x"}, "must be a whole number"),
        ({"run": run.pk, "show": "cause:<b>"}, "must be answered, failed"),
        ({"run": run.pk, "format": "xlsx"}, "There is no such format"),
        ({"run": run.pk, "state": "done", "made_by": "1"}, "have no filter of such a name"),
        ({"kind": "../secrets"}, "There is no such kind of export"),
    ):
        answer = ask(client, project, **filters)
        assert answer.status_code == 422 and sentence in answer.content.decode()
    assert not Export.objects.exists()


def test_cancelled_and_thrown_away(client_of, admin, project, export, waiting, django_capture_on_commit_callbacks):
    client = client_of(admin)

    answer = client.post(url("cancel", project, waiting.pk), follow=True)
    assert "Cancelled" in answer.content.decode()
    assert "over already" in client.post(url("cancel", project, export.pk), follow=True).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("throw_away", project, export.pk))

    assert [found.state for found in Export.objects.all()] == ["cancelled"]
    assert not export.path.exists()


def test_the_cost_of_the_list_does_not_grow(client_of, admin, project, run, django_assert_num_queries):
    client = client_of(admin)
    asked(project, "outputs", run=run.pk)
    client.get(url("list", project))

    with django_assert_num_queries(4):
        client.get(url("list", project))
    for _ in range(29):
        asked(project, "outputs", run=run.pk)
    with django_assert_num_queries(4):
        client.get(url("list", project))


def test_every_page_that_lists_rows_has_the_button(client_of, admin, project):
    from tests.security.world import make_world

    world = make_world(project)
    client = client_of(admin)
    run, slug = f'"run" value="{world.run}"', project.slug
    for address, query, kind, named in (
        (reverse("evalsets:version", args=[slug, world.version]), "", "examples", f'"version" value="{world.version}"'),
        (reverse("evalsets:samples", args=[slug]), "model=plain", "production_samples", '"model" value="plain"'),
        (reverse("runs:outputs", args=[slug, world.run]), "show=answered", "outputs", run),
        (reverse("checks:outputs", args=[slug]), f"run={world.run}", "scores", run),
        (reverse("taxonomy:outputs", args=[slug]), f"run={world.run}", "verdicts", run),
        (reverse("reviews:round", args=[slug, world.round]), "status=settled", "labels", '"status" value="settled"'),
    ):
        html = client.get(f"{address}?{query}").content.decode()
        form = html.partition(f'action="{url("new", project)}"')[2].partition("</form>")[0]
        assert f'name="kind" value="{kind}"' in form and f"name={named}" in form, address


def test_hostile_names_are_shown_as_text(client_of, admin, project):
    run = make_run(make_version(project, 1, name=HOSTILE), HOSTILE, [HOSTILE])
    export = asked(project, "outputs", "csv", run=run.pk)

    html = client_of(admin).get(url("list", project)).content.decode()

    assert "<b id=evil>" not in html and "&lt;img src=x" in html and "⟨U+202E⟩" in html
    assert export.name == f"outputs-run-{run.pk}-export-{export.pk}.csv"


@pytest.mark.django_db(transaction=True)
def test_exporting_in_the_browser(page_of, celery_worker, admin, project):
    run = make_run(make_version(project, 60))
    page = page_of(admin, viewport={"width": 390, "height": 844})
    page.goto(reverse("runs:outputs", args=[project.slug, run.pk]) + "?show=answered")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_label("Format of the export").select_option("CSV")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == Export.objects.get().name
    assert download.value.path().read_bytes().count(b"\n") == 61

    page.get_by_label("Format of the export").select_option("Parquet")
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Ready").nth(1).wait_for()  # it was polled until a worker had prepared it
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert download.value.path().read_bytes()[:4] == b"PAR1"
    page.get_by_role("button", name="Throw away").first.click()
    page.get_by_text("The export is thrown away.").wait_for()
    assert Export.objects.count() == 1
