import pytest
from django.urls import reverse

from reviews.labelling import record_label
from reviews.models import Label, Round
from taxonomy.models import ErrorType
from tests.making import claim_next, make_candidate, make_check, make_round, make_run, make_score, make_version

HTMX = {"HX-Request": "true"}


@pytest.fixture
def made(project):
    return make_round(make_run(make_version(project, 3)))


def post_label(client, project, item, **data):
    return client.post(reverse("reviews:label", args=[project.slug, item.pk]), data, headers=HTMX)


def test_a_label_answers_with_the_next_item(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)

    answer = post_label(client_of(reviewer), project, first, outcome="pass")

    assert answer.status_code == 200
    assert "Item 2 of 3" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert claim_next(made, reviewer) != first


@pytest.mark.parametrize("data", [{"outcome": "fail"}, {"outcome": "fail", "note": "  "}, {"outcome": "maybe"}, {}])
def test_a_label_that_says_too_little_is_kept_and_asked_about(client_of, project, reviewer, made, data):
    item = claim_next(made, reviewer)

    answer = post_label(client_of(reviewer), project, item, **data)

    assert answer.status_code == 422
    assert not Label.objects.exists()


def test_a_pass_with_an_error_type_is_asked_about_with_everything_kept(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    error_type = ErrorType.objects.filter(project=project).first()

    answer = post_label(
        client_of(reviewer), project, item, outcome="pass", error_types=[error_type.pk], note="my <words>"
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "You ticked an error type and pressed Pass" in page
    assert "my &lt;words&gt;" in page
    assert f'value="{error_type.pk}" checked' in page


def test_an_error_type_of_another_project_is_refused(client_of, project, reviewer, made, stranger):
    foreign = ErrorType.objects.exclude(project=project).first()
    item = claim_next(made, reviewer)

    answer = post_label(client_of(reviewer), project, item, outcome="fail", error_types=[foreign.pk])

    assert answer.status_code == 422
    assert not Label.objects.exists()


def test_a_late_label_is_told_and_its_note_kept(client_of, project, lead, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, "pass")

    answer = post_label(client_of(lead), project, item, outcome="fail", note="too late")

    assert answer.status_code == 422
    assert "Somebody else labelled this item meanwhile" in answer.content.decode()
    assert "too late" in answer.content.decode()
    assert Label.objects.get().reviewer == reviewer


def test_who_labelled_changes_the_label_later(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, "fail", note="first thought")
    client = client_of(reviewer)

    page = client.get(reverse("reviews:item", args=[project.slug, item.pk])).content.decode()
    assert "Change your label" in page
    assert "first thought" in page
    answer = client.post(reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": "pass", "saw_label": "1"})

    assert answer["Location"] == reverse("reviews:desk", args=[project.slug, made.pk])
    assert Label.objects.get().outcome == "pass"


def test_the_item_of_another_is_not_shown(client_of, project, lead, reviewer, made):
    item = claim_next(made, lead)

    answer = client_of(reviewer).get(reverse("reviews:item", args=[project.slug, item.pk]))

    assert answer["Location"] == reverse("reviews:desk", args=[project.slug, made.pk])


def test_a_lead_makes_a_round_of_the_disagreements(
    client_of, project, lead, celery_worker, django_capture_on_commit_callbacks
):
    run = make_run(make_version(project, 4))
    check = make_check(run.version)
    for number, output in enumerate(run.outputs.order_by("pk")):
        make_score(output, check, passed=number > 0)
    form = {
        "version": run.version_id,
        "name": "Failures",
        "runs": [run.pk],
        "use_failed_check": "on",
        "count_failed_check": "",
        "labels_wanted": 2,
    }

    answer = client_of(lead).post(reverse("reviews:new", args=[project.slug]), form)

    made = Round.objects.get()
    assert answer["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    assert (made.selection["wanted"], made.labels_wanted, made.is_blind) == ({"failed_check": None}, 2, False)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"use_failed_check": ""}, "Choose at least one reason"),
        ({"runs": []}, "This field is required"),
        ({"labels_wanted": 0}, "greater than or equal to 1"),
        ({"count_failed_check": -3}, "greater than or equal to 1"),
    ],
)
def test_a_round_that_makes_no_sense_is_asked_about(client_of, project, lead, change, sentence):
    run = make_run(make_version(project, 2))
    form = {"version": run.version_id, "name": "R", "runs": [run.pk], "use_failed_check": "on", "labels_wanted": 1}

    answer = client_of(lead).post(reverse("reviews:new", args=[project.slug]), form | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Round.objects.exists()


@pytest.mark.parametrize("query", ["?status=odd", "?status=settled&after=x", "?after=9999999999999999999999"])
def test_odd_addresses_of_a_round_are_answered_calmly(client_of, project, lead, made, query):
    answer = client_of(lead).get(reverse("reviews:round", args=[project.slug, made.pk]) + query)

    assert answer.status_code == 400


@pytest.mark.parametrize("size", [1, 30])
def test_the_desk_and_the_lists_take_the_same_queries_for_any_size(
    client_of, project, lead, size, django_assert_max_num_queries
):
    run = make_run(make_version(project, size), make_candidate(project))
    rounds = [make_round(run, name=f"Round {number}") for number in range(size)]
    client = client_of(lead)

    with django_assert_max_num_queries(8):
        client.get(reverse("reviews:home", args=[project.slug]))
    with django_assert_max_num_queries(12):
        client.get(reverse("reviews:round", args=[project.slug, rounds[0].pk]))
    with django_assert_max_num_queries(22):
        client.get(reverse("reviews:desk", args=[project.slug, rounds[0].pk]))


def test_two_tabs_do_not_overwrite_each_other_unasked(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    error_type = ErrorType.objects.filter(project=project).first()
    client = client_of(reviewer)
    post_label(client, project, item, outcome="pass")

    answer = post_label(client, project, item, outcome="fail", error_types=[error_type.pk])
    assert answer.status_code == 422
    assert "in another tab" in answer.content.decode()
    assert Label.objects.get().outcome == "pass"
    post_label(client, project, item, outcome="fail", error_types=[error_type.pk], saw_label="1")

    assert Label.objects.get().outcome == "fail"


def test_the_same_label_sent_twice_is_one_label(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)

    statuses = [post_label(client, project, item, outcome="pass").status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert Label.objects.count() == 1


def test_the_desk_of_a_closed_round_says_so(client_of, project, lead, reviewer, made):
    client_of(lead).post(reverse("reviews:change_round", args=[project.slug, made.pk]), {"action": "close"})

    answer = client_of(reviewer).get(reverse("reviews:desk", args=[project.slug, made.pk]))

    assert answer.status_code == 200
    assert "The round is closed" in answer.content.decode()


def test_a_label_sent_while_signed_out_leaves_the_page_as_it_is(client, project, reviewer, made):
    item = claim_next(made, reviewer)

    answer = post_label(client, project, item, outcome="pass")

    assert (answer.status_code, answer.content) == (401, b"")
    assert "HX-Redirect" not in answer
