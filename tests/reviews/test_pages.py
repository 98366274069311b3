import pytest
from django.urls import reverse

from tests.making import make_round, make_run, make_version

HTMX = {"HX-Request": "true"}


@pytest.fixture
def made(project):
    return make_round(make_run(make_version(project, 3)))


@pytest.mark.parametrize("query", ["?status=odd", "?status=settled&after=x", "?after=9999999999999999999999"])
def test_odd_addresses_of_a_round_are_answered_calmly(client_of, project, lead, made, query):
    answer = client_of(lead).get(reverse("reviews:round", args=[project.slug, made.pk]) + query)

    assert answer.status_code == 400
