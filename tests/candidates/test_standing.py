from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.standing import StandingError, archive, delete_endpoint, restore, set_baseline
from evalhub.projects.models import Event
from tests.candidates.making import make_candidate, make_endpoint


def baselines(project):
    return list(Candidate.objects.in_project(project).filter(is_baseline=True).values_list("name", flat=True))


def test_the_baseline_moves_from_one_candidate_to_the_other(project, lead):
    one, other = make_candidate(project, "One"), make_candidate(project, "Other")

    set_baseline(one, lead)
    set_baseline(other, lead)

    assert baselines(project) == ["Other"]
    assert [event.subject for event in Event.objects.filter(action="chose as the baseline").order_by("pk")] == [
        "One",
        "Other",
    ]


def test_the_database_holds_one_baseline_only(project):
    make_candidate(project, "One", is_baseline=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_candidate(project, "Other", is_baseline=True)


@pytest.mark.django_db(transaction=True)
def test_leads_who_choose_at_the_same_time_leave_one_baseline(project, lead):
    candidates = [make_candidate(project, f"C{number}") for number in range(8)]

    def choose(candidate):
        try:
            set_baseline(candidate, lead)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as leads:
        list(leads.map(choose, candidates))

    assert len(baselines(project)) == 1


def test_the_baseline_is_not_archived_and_an_archived_candidate_no_baseline(project, lead):
    baseline, other = make_candidate(project, "One", is_baseline=True), make_candidate(project, "Other")
    archive(other, lead)

    with pytest.raises(StandingError, match="“One” is the baseline"):
        archive(baseline, lead)
    with pytest.raises(StandingError, match="“Other” is archived"):
        set_baseline(other, lead)

    restore(other, lead)
    set_baseline(other, lead)
    assert baselines(project) == ["Other"]


def test_an_endpoint_in_use_is_not_deleted(project, admin, lead):
    endpoint = make_endpoint(project)
    for name in ("A", "B", "C", "D"):
        archive(make_candidate(project, name, endpoint), lead)

    with pytest.raises(StandingError) as refused:
        delete_endpoint(endpoint, admin)

    assert str(refused.value) == (
        "“OpenAI” cannot be deleted: “A”, “B”, “C” and others use it. Choose another endpoint there first; "
        "archived candidates count."
    )
    Candidate.objects.all().delete()
    delete_endpoint(endpoint, admin)
    assert not Endpoint.objects.exists()
