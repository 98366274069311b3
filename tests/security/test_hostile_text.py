"""A browser walks every page of a project whose every text from outside is an attack."""

from __future__ import annotations

import pytest

from tests.security.addresses import ADDRESSES
from tests.security.world import make_world
from tests.walking import SKIPPED, walk

pytestmark = pytest.mark.django_db(transaction=True)

# At most 80 characters each: they stand in names too.
ATTACKS = {
    "elements": '"><img src=x onerror=pwned()><svg/onload=pwned()></textarea></title><b id=evil>',
    "scripts": "</script><script>pwned()</script><a id=evil href='javascript:pwned()'>x</a>",
    "htmx": "'><p id=evil hx-get=/evil hx-trigger=load></p><base href=//evil.example>",
    "forms": "<form id=evil action=//evil.example><button>Go</button></form><iframe src=//evil>",
    "templates": "{{7*7}}{% debug %}${7*7}<%= 7*7 %>![x](//evil.example/x.png)[a](javascript:0)",
    "controls": "a\u202eb\u2066c\u200bd\x1b[31me\x07f\u2028g<!-- unclosed <b id=evil",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_is_shown_and_does_nothing(attack, project, admin, page_of):
    text = ATTACKS[attack]
    world = make_world(project, text)
    page = page_of(admin)
    page.add_init_script("window.pwned = () => { window.wasPwned = true; };")
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    shown = set()

    def look(path: str) -> None:
        assert not page.evaluate("window.wasPwned === true"), path
        assert page.locator("#evil").count() == 0, path
        assert (
            page.locator("base, iframe, [hx-get='/evil'], form[action*=evil], a[href^='javascript:']").count() == 0
        ), path
        assert page.locator("img:not([src^='/static/'])").count() == 0, path
        if (
            text[:20] in page.content().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
            or "U+202E" in page.content()
        ):
            shown.add(path)
        if "49" in page.title():
            pytest.fail(f"a template was evaluated: {path}")

    unlinked = [
        f"/p/{world.slug}/evalsets/{world.eval_set}/compare/?old=1&new=2",  # a form leads there
        f"/p/{world.slug}/review/items/{world.labelled_item}/parts/answer/",  # linked where a text is long
        f"/p/{world.slug}/review/items/{world.contested_item}/decide/",  # of a round that is not walked
        # linked where labels name the first failing step
        f"/p/{world.slug}/breakdown/comparison/steps/outputs/?run={world.run}&last_good=user:&first_failing=answer:",
        f"/p/{world.slug}/review/deferred/",  # linked where there are some
        f"/p/{world.slug}/review/returned/",
        f"/p/{world.slug}/review/known/mine/",
        f"/p/{world.slug}/review/rounds/{world.round}/progress/",
    ]
    names = walk(page, f"/p/{world.slug}/", unlinked, look)

    pages = {
        name
        for name, address in ADDRESSES.items()
        if address.in_project and "GET" in address.methods and not name.endswith("summary")
    }
    fragments = {
        "checks:run_scores",
        "checks:output_scores",
        "checks:of_eval_set",
        "taxonomy:output_verdict",
        "taxonomy:output_examples",
        "taxonomy:meanings_progress",
        "runs:moving",
        "runs:progress",
        "checks:under_versions",
        "checks:earlier_runs",
        "reviews:review_button",
        "reviews:following",
    }
    unreached = pages - names - fragments - SKIPPED - {"candidates:prices"}
    assert unreached == set()
    assert len(shown) > 15
