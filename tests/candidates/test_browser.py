"""Endpoints and candidates in a real browser, with the real web server and an endpoint in a process of its own."""

import pytest
from django.conf import settings

from evalhub.candidates.keys import key_of
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.standing import set_baseline
from tests.candidates.asking import KEY
from tests.candidates.making import make_candidate, make_endpoint, make_version


def test_from_an_endpoint_to_an_answer_by_mouse(page_of, admin, project, model_endpoint):
    make_version(project, admin, ["Where is my order?", "How do I pay?"])
    page = page_of(admin)
    page.goto(f"/p/{project.slug}/candidates/")
    page.get_by_role("link", name="New endpoint").click()
    page.get_by_label("Name").fill("Here")
    page.get_by_label("Base URL").fill(model_endpoint.url)
    page.locator("#id_key").fill(KEY)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Candidates", exact=True).last.click()
    page.get_by_role("link", name="New candidate").first.click()
    page.get_by_label("Name", exact=False).first.fill("Echo")
    page.get_by_label("Endpoint").select_option("Here")
    page.get_by_label("Model name").fill("echo")
    page.get_by_label("Template").fill("Answer this: {{input}}")
    page.get_by_text("The price library does not know this model.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Example of Questions v1").select_option("q1 · How do I pay?")
    page.get_by_role("button", name="Send").click()

    page.get_by_role("heading", name="Answer", exact=True).wait_for()
    page.wait_for_function("document.activeElement.id === 'outcome'")
    assert page.locator("#try pre").first.text_content() == "Answer this: How do I pay?"
    assert page.get_by_role("button", name="Send").is_enabled()
    assert key_of(Endpoint.objects.get()) == KEY
    assert KEY not in page.content()
    assert KEY not in (settings.EVALHUB_HOME / "web.log").read_text()
    assert model_endpoint.counts()["keys"] == [KEY]


def test_the_library_price_arrives_with_the_model_and_is_taken_by_a_button(page_of, lead, project):
    make_endpoint(project, base_url="https://api.openai.com/v1")
    page = page_of(lead)
    page.goto(f"/p/{project.slug}/candidates/new/")
    page.get_by_label("Name", exact=False).first.fill("Mini")
    page.get_by_label("Endpoint").select_option("OpenAI")
    page.get_by_label("Model name").fill("gpt-4o-mini")
    page.get_by_label("Model name").press("Tab")
    page.get_by_text("Library price for gpt-4o-mini at OpenAI: $0.15 in, $0.60 out.").wait_for()
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("This is the library price for gpt-4o-mini at OpenAI.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Mini", exact=True).wait_for()

    made = Candidate.objects.get()
    assert (made.model, float(made.input_price), float(made.output_price)) == ("gpt-4o-mini", 0.15, 0.6)


def test_without_javascript_the_price_is_taken_and_a_candidate_tried(page_of, admin, project, model_endpoint):
    endpoint = make_endpoint(project, "Here", base_url=model_endpoint.url)
    page = page_of(admin, java_script_enabled=False)
    page.goto(f"/p/{project.slug}/candidates/new/")
    page.get_by_label("Name", exact=False).first.fill("Mini")
    page.get_by_label("Endpoint").select_option("Here")
    page.get_by_label("Model name").fill("gpt-4o-mini")
    page.get_by_role("button", name="Look up the price").click()
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="Save").click()

    candidate = Candidate.objects.get()
    assert (candidate.endpoint, float(candidate.output_price)) == (endpoint, 0.6)
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Or a text of your own").fill("hello")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Not found").wait_for()
    assert "The endpoint knows no such address or model (404)" in page.content()


def test_while_a_call_is_under_way_the_page_says_so(page_of, lead, project, model_endpoint):
    endpoint = make_endpoint(project, "Here", base_url=model_endpoint.url)
    candidate = make_candidate(project, "Slow", endpoint, model="echo?delay=1")
    page = page_of(lead)
    page.goto(f"/p/{project.slug}/candidates/{candidate.pk}/try/")
    waiting = page.get_by_text("Waiting for the answer, 60 seconds at most.")
    page.get_by_label("Or a text of your own").fill("hello")

    assert not waiting.is_visible()
    page.get_by_role("button", name="Send").click()
    waiting.wait_for(state="visible")
    assert page.get_by_role("button", name="Send").is_disabled()
    page.get_by_role("heading", name="Answer", exact=True).wait_for()


@pytest.fixture
def furnished(project, lead, model_endpoint):
    """Pages with something on them: name, and address below the project's."""
    here = make_endpoint(project, "Our own vLLM", base_url=model_endpoint.url, key=KEY, requests_per_minute=600)
    openai = make_endpoint(project, "OpenAI", base_url="https://api.openai.com/v1", key=KEY)
    long = "https://a-very-long-host-name-of-an-internal-gateway.models.example/routes/production/openai/v1"
    make_endpoint(project, "Gateway", base_url=long)
    mini = make_candidate(
        project, "gpt-4o-mini, short prompt", openai, model="gpt-4o-mini", input_price="0.15", output_price="0.6"
    )
    make_candidate(project, "Production", None)
    echo = make_candidate(project, "<b>Echo</b> with a rather long name, to see how it wraps", here, model="echo")
    make_candidate(
        project, "Long model", here, model="meta-llama/Llama-3.3-70B-Instruct-with-a-long-suffix-fp8-dynamic"
    )
    calls = make_candidate(project, "Calls tools", here, model="fault:calls-only", input_price="1", output_price="2")
    failing = make_candidate(project, "Limited", here, model="fault:status?code=429&retry_after=7")
    set_baseline(mini, lead)
    make_version(project, lead, ["Where is my order?", "How do I pay? " * 20])
    return {
        "list": "",
        "new": "new/",
        "edit": f"{mini.pk}/",
        "endpoints": "endpoints/",
        "endpoint": f"endpoints/{here.pk}/",
        "try": f"{echo.pk}/try/",
        "try-calls": f"{calls.pk}/try/",
        "try-failing": f"{failing.pk}/try/",
    }


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_are_accessible(page_of, admin, project, furnished, width, scheme, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    page = page_of(admin, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for name, path in furnished.items():
        page.goto(f"/p/{project.slug}/candidates/{path}")
        if name.startswith("try"):
            page.get_by_role("button", name="Send").click()
            page.locator("#outcome").wait_for()
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
        faults = [
            fault for fault in Axe().run(page).response["violations"] if fault["impact"] in {"serious", "critical"}
        ]

        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
