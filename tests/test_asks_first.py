"""What cannot be taken back is not done at one click: the button that does it stands in a box that another opens."""

import re

from django.urls import reverse

from tests.candidates.making import make_endpoint
from tests.making import make_version


def asks_first(page, action):
    """Whether every button that posts to ``action`` is inside a closed ``details``."""
    page = page.content.decode()
    assert action in page
    outside = re.sub(r'<details class="ask[^"]*">.*?</details>', "", page, flags=re.DOTALL)
    return action not in outside


def test_people_endpoints_keys_and_drafts_are_not_gone_at_one_click(client_of, admin, project, reviewer):
    client = client_of(admin)
    draft, endpoint = make_version(project, published=False), make_endpoint(project, key="sk-aaaaaaaaaaaaaaaaaaaa")
    member = reviewer.memberships.get(project=project)
    places = {
        reverse("projects:people", args=[project.slug]): reverse("projects:remove", args=[project.slug, member.pk]),
        reverse("evalsets:version", args=[project.slug, draft.pk]): reverse(
            "evalsets:delete", args=[project.slug, draft.pk]
        ),
        reverse("candidates:edit_endpoint", args=[project.slug, endpoint.pk]): reverse(
            "candidates:delete_endpoint", args=[project.slug, endpoint.pk]
        ),
    }

    assert {page: asks_first(client.get(page), action) for page, action in places.items()} == dict.fromkeys(
        places, True
    )
    key = reverse("candidates:remove_key", args=[project.slug, endpoint.pk])
    assert asks_first(client.get(reverse("candidates:edit_endpoint", args=[project.slug, endpoint.pk])), key)
