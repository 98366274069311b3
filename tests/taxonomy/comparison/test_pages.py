import re
from html import unescape

import pytest
from django.urls import reverse

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
