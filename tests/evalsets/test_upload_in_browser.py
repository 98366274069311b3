"""The way of an upload as people go it: a browser, the real web server, a Celery worker."""

import http.client
import os
import re
import signal
from collections.abc import Callable
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings
from django.test import Client

from evalhub.evalsets.models import EvalSetVersion, Example, ProductionSample, Upload
from tests.evalsets.uploading import example_row, jsonl, make_eval_set, pool_of, sample_row, version_of

pytestmark = pytest.mark.django_db(transaction=True)


def upload(page, path, file, content=None):
    page.goto(path)
    chosen = file if content is None else {"name": file, "mimeType": "text/plain", "buffer": content}
    page.set_input_files("input[type=file]", chosen)
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("heading", name="Which column is what").wait_for()


def test_a_file_becomes_a_published_version(page_of: Callable, celery_worker, lead, project):
    eval_set = make_eval_set(project)
    rows = [{"frage": f"Was ist {n} + {n}?", "soll": str(2 * n), "thema": "mathe"} for n in range(1, 40)]
    rows[4]["soll"] = "acht"
    page = page_of(lead)

    upload(page, f"/p/{project.slug}/evalsets/{eval_set.pk}/upload/", "beispiele.jsonl", jsonl(rows))
    assert page.locator(".preview tbody tr").count() == 20
    page.get_by_label("Input").select_option(label="frage")
    page.locator("[name=expected]").select_option(label="soll")
    page.get_by_label("What it holds").select_option(label="a number")
    page.get_by_label("Tags").select_option(label="thema")
    page.get_by_role("button", name="Check the file").click()

    page.get_by_text("38 rows are good, 1 has errors.").wait_for()
    assert page.locator("tbody tr").inner_text().split()[:2] == ["5", "soll"]
    page.get_by_role("button", name="Import 38 rows").click()
    page.get_by_text("Some rows have errors.").wait_for()
    assert not EvalSetVersion.objects.exists()
    page.get_by_label("Leave the rows with errors out").check()
    page.get_by_role("button", name="Import 38 rows").click()

    page.wait_for_url(re.compile(r"/evalsets/versions/\d+/$"))
    page.get_by_text("mathe 38").wait_for()
    version = EvalSetVersion.objects.get()
    assert (version.state, version.example_count) == ("published", 38)
    assert page.get_by_text(version.content_hash).is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSONL").click()
    assert download.value.suggested_filename == "inbox-v1.jsonl"


def test_samples_are_uploaded_drawn_and_published(page_of: Callable, celery_worker, admin, project):
    rows = [sample_row(n, model="a" if n % 4 else "b") for n in range(40)]
    page = page_of(admin)

    upload(page, f"/p/{project.slug}/samples/upload/", "samples.csv.jsonl", jsonl(rows))
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import 40 rows").click()
    page.wait_for_url(f"**/p/{project.slug}/samples/")
    page.goto(f"/p/{project.slug}/evalsets/new/")
    page.get_by_label("Name").fill("Drawn")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="Draw from production samples").click()
    page.get_by_label("Examples").fill("8")
    page.locator("[name=by]").select_option(label="stratified by model")
    page.locator("[name=allocation]").select_option(label="the same for each value")
    page.get_by_role("button", name="Preview").click()
    strata = page.locator("tbody tr").all_inner_texts()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_role("button", name="Publish and freeze").click()

    page.get_by_text("is published and frozen").wait_for()
    assert [stratum.split() for stratum in strata] == [["a", "30", "4", "13.3", "%"], ["b", "10", "4", "40.0", "%"]]
    assert EvalSetVersion.objects.get().state == "published"
    assert sorted(Example.objects.values_list("sample__model", flat=True)) == ["a"] * 4 + ["b"] * 4


def test_an_import_is_cancelled_while_it_runs(page_of: Callable, celery_worker, lead, project, tmp_path):
    eval_set = make_eval_set(project)
    file = tmp_path / "many.jsonl"
    file.write_bytes(jsonl(example_row(n, note="x" * 1000) for n in range(60_000)))
    page = page_of(lead)
    upload(page, f"/p/{project.slug}/evalsets/{eval_set.pk}/upload/", file)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name=re.compile("^Import 60")).click(timeout=60_000)
    wait_until(Example.objects.exists)

    with stopped(celery_worker.process.pid):  # or it may be over before the click
        page.get_by_role("button", name="Cancel the import").click(no_wait_after=True)

    page.get_by_text("Nothing of it is kept.").first.wait_for()
    wait_until(lambda: Upload.objects.get().finished_at is not None)
    assert Upload.objects.get().state == Upload.State.CANCELLED
    assert not Upload.objects.get().folder.exists()
    assert not Example.objects.exists()
    assert not EvalSetVersion.objects.exists()


@contextmanager
def stopped(group):
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def test_it_works_without_javascript(page_of: Callable, celery_worker, admin, project):
    page = page_of(admin, java_script_enabled=False)

    upload(page, f"/p/{project.slug}/samples/upload/", "rows.jsonl", jsonl([sample_row(1), sample_row(2)]))
    page.get_by_role("button", name="Check the file").click()
    wait_until(lambda: Upload.objects.get().state == Upload.State.CHECKED)
    page.get_by_role("link", name="See how far it is").click() if page.locator("noscript a").count() else page.reload()
    page.get_by_role("button", name="Import 2 rows").click()
    wait_until(lambda: Upload.objects.get().state == Upload.State.DONE)
    page.goto(f"/p/{project.slug}/uploads/{Upload.objects.get().pk}/")
    page.get_by_role("link", name="See what came of them").click()

    assert page.locator("tbody tr").count() == 2


def test_a_file_that_is_too_large_is_refused_before_it_travels(page_of: Callable, lead, project, tmp_path):
    eval_set = make_eval_set(project)
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room
    page = page_of(lead)
    page.goto(f"/p/{project.slug}/evalsets/{eval_set.pk}/upload/")

    page.set_input_files("input[type=file]", large)

    sentence = page.locator("input[type=file]").evaluate("field => field.validationMessage")
    assert sentence == "The file is larger than 512 MB. Compress it with gzip, or split it."
    page.get_by_role("button", name="Upload and look at it").click()
    assert page.url.endswith("/upload/")
    assert not Upload.objects.exists()


def test_a_gigabyte_that_travels_nevertheless_is_not_kept_anywhere(live_server, session_web_server, lead, project):
    """As a browser without JavaScript sends it. It is answered with the sentence, and no process grows."""
    eval_set = make_eval_set(project)
    client = Client()
    client.force_login(lead)
    path = f"/p/{project.slug}/evalsets/{eval_set.pk}/upload/"
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', client.get(path).content.decode())[1]
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    head, foot = multipart(token)
    size = 1 << 30
    connection = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=120)
    before = memory_of(session_web_server[0].process.pid)

    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(len(head) + size + len(foot)))
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Cookie", cookies)
    connection.endheaders(head)
    most = 0
    for number in range(size >> 20):
        connection.send(b"\0" * (1 << 20))
        if number % 64 == 0:
            most = max(most, memory_of(session_web_server[0].process.pid))
            assert list((settings.MEDIA_ROOT / "uploads").rglob("*.upload")) == []
    connection.send(foot)
    answer = connection.getresponse()

    assert answer.status == 422
    assert "The file is 1 GB; at most 512 MB can be uploaded." in answer.read().decode()
    assert not Upload.objects.exists()
    assert most - before < 50 << 20


BOUNDARY = "between-the-parts"


def multipart(token):
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    return (field + file).encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def memory_of(pid):
    """Of the server and its processes, in bytes."""
    parent = psutil.Process(pid)
    return sum(process.memory_info().rss for process in [parent, *parent.children(recursive=True)])


def test_two_versions_are_compared(page_of: Callable, lead, project):
    eval_set = make_eval_set(project)
    version_of(eval_set, [example_row(1), example_row(2)])
    version_of(eval_set, [example_row(1), {"id": "e2", "input": "What is 2 plus 2?", "expected": 4}])
    page = page_of(lead)

    page.goto(f"/p/{project.slug}/evalsets/{eval_set.pk}/")
    page.get_by_role("button", name="Compare").click()

    assert page.locator("del").inner_text() == "+"
    assert page.locator("ins").inner_text() == "plus"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(scheme, page_of: Callable, admin, project):
    from axe_playwright_python.sync_playwright import Axe

    eval_set = make_eval_set(project)
    call = {"name": "refund", "arguments": {"amount": [1, "1.00"]}, "optional": ["amount"]}
    version = version_of(eval_set, [example_row(1, tags=["a"]), {"id": "c", "input": "x", "expected": [call]}])
    version_of(eval_set, [example_row(1, tags=["b"])])
    waiting = pool_of(project, [sample_row(n, tags=["t"], plan="gold") for n in range(3)])
    Upload.objects.filter(pk=waiting.pk).update(state=Upload.State.DONE)
    page = page_of(admin, color_scheme=scheme)
    upload(page, f"/p/{project.slug}/samples/upload/", "rows.jsonl", jsonl([sample_row(9), {"id": "z"}]))
    paths = [
        f"uploads/{Upload.objects.latest('pk').pk}/",
        "samples/",
        f"samples/{ProductionSample.objects.first().pk}/",
        "evalsets/",
        "evalsets/new/",
        f"evalsets/{eval_set.pk}/",
        f"evalsets/{eval_set.pk}/upload/",
        f"evalsets/{eval_set.pk}/draw/",
        f"evalsets/{eval_set.pk}/compare/?old=1&new=2",
        f"evalsets/versions/{version.pk}/",
        f"evalsets/examples/{Example.objects.get(key='c').pk}/",
    ]

    for path in paths:
        page.goto(f"/p/{project.slug}/{path}")
        page.wait_for_load_state("networkidle")
        found = [
            (violation["id"], [node["html"][:120] for node in violation["nodes"]])
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        assert found == [], path


def wait_until(condition, looks=1500):
    from django.db import connection

    for _ in range(looks):
        if condition():
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("it did not come to that")
