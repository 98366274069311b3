"""The desk over HTTP: back to one's own labels, putting off, jumping, who may, what it costs."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviews.labelling import record_label, return_label, version_of
from reviews.models import Claim, Deferral, Draft, Label, ReviewItem, Round
from reviews.queue import claim_item
from taxonomy.models import ErrorType
from tests.making import assessed, claim_next, make_check, make_round, make_run, make_score, make_version
from tests.reviews.desk import HTMX, other_items, path, post, text_of


@pytest.fixture
def made(project):
    return make_round(make_run(make_version(project, 3)))


@pytest.fixture
def error_type(project):
    return ErrorType.objects.filter(project=project).first()


# ---- undo, back, changing


def test_undo_shows_the_item_again_filled_in(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("fail", [error_type], "my words", severity="major"))

    answer = post(client_of(reviewer), "undo", project, item)

    page = text_of(answer)
    assert not Label.objects.exists()
    assert "Your label is taken back." in page
    assert "my words</textarea>" in page
    assert f'value="{error_type.pk}" checked' in page
    assert '<option value="major" selected>' in page


def test_undo_pressed_twice_says_so_and_loses_nothing(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("fail", note="my words"))
    client = client_of(reviewer)
    post(client, "undo", project, item)

    answer = post(client, "undo", project, item)

    assert answer.status_code == 200
    assert "There is no label of yours here to take back." in text_of(answer)
    assert "my words</textarea>" in text_of(answer)


def test_back_goes_through_ones_own_labels_one_by_one(client_of, project, reviewer, made):
    given = []
    for _ in range(3):
        given.append(claim_next(made, reviewer))
        record_label(given[-1], reviewer, assessed("pass"))
    client = client_of(reviewer)

    pages = [text_of(client.get(path("desk", project, made.pk)))]
    pages += [text_of(client.get(path("item", project, item.pk))) for item in reversed(given)]

    backs = [f'href="{path("item", project, item.pk)}" data-shortcut="b"' for item in reversed(given)]
    assert [back in page for page, back in zip(pages, backs, strict=False)] == [True, True, True]
    assert 'data-shortcut="b"' not in pages[3]


def test_a_label_is_changed_later_and_its_history_kept(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)
    label = record_label(item, reviewer, assessed("fail", [error_type], "first thought"))
    client = client_of(reviewer)
    page = text_of(client.get(path("item", project, item.pk)))
    assert "Change your label" in page
    assert "first thought</textarea>" in page

    answer = client.post(path("label", project, item.pk), {"outcome": "pass", "saw_label": version_of(label)})

    assert answer["Location"] == path("desk", project, made.pk)
    assert Label.objects.get().outcome == "pass"
    history = text_of(client.get(path("item", project, item.pk))).split('id="own-history"')[1]
    assert history.index("changed the label") < history.index("first thought")
    assert f"<strong>{reviewer}</strong> labelled" in history
    assert error_type.name in history


def test_history_tells_nothing_of_others(client_of, project, lead, reviewer):
    made = make_round(make_run(make_version(project, 1)), labels_wanted=2)
    item = claim_next(made, lead)
    record_label(item, lead, assessed("fail", note="the lead's own words"))
    claim_next(made, reviewer)
    record_label(item, reviewer, assessed("pass"))

    page = text_of(client_of(reviewer).get(path("item", project, item.pk)))

    assert "Change your label" in page
    assert "own words" not in page


def test_a_label_that_a_lead_returned_comes_back_with_the_word_why(client_of, project, lead, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("fail", note="odd"))
    return_label(item, reviewer, lead, "Which field is it?")

    page = text_of(client_of(reviewer).get(path("item", project, item.pk)))

    assert "“Which field is it?”" in page
    assert "odd</textarea>" in page


def test_a_label_of_a_closed_round_is_shown_without_its_buttons(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("pass"))
    Round.objects.update(closed_at=timezone.now())

    page = text_of(client_of(reviewer).get(path("item", project, item.pk)))

    assert "The round is closed, so the label stays as it is." in page
    assert 'name="outcome"' not in page


# ---- putting off, jumping


def test_an_item_put_off_comes_last_with_its_reason(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)
    client = client_of(reviewer)

    answer = post(client, "defer", project, first, reason="ask <legal>")

    assert f'data-item="{other_items(made, first)[0].pk}"' in text_of(answer)
    for other in other_items(made, first):
        claim_item(other.pk, reviewer)
        record_label(other, reviewer, assessed("pass"))
    last = text_of(client.get(path("desk", project, made.pk)))
    assert f'data-item="{first.pk}"' in last
    assert "You put this item off: “ask &lt;legal&gt;”" in last


def test_undo_takes_the_putting_off_back_and_leaves_the_label_before(client_of, project, reviewer, made):
    labelled, put_off = made.items.order_by("order")[:2]
    claim_item(labelled.pk, reviewer)
    record_label(labelled, reviewer, assessed("pass"))
    claim_item(put_off.pk, reviewer)
    client = client_of(reviewer)

    swapped = text_of(post(client, "defer", project, put_off, reason="later"))
    plain = client.post(path("defer", project, put_off.pk), {"reason": "later"}, follow=True)

    for page in (swapped, text_of(plain)):
        assert f'href="{path("item", project, put_off.pk)}" data-shortcut="u"' in page
        assert path("undo", project, labelled.pk) not in page
    assert path("undo", project, labelled.pk) in text_of(client.get(path("desk", project, made.pk)))
    again = text_of(client.get(path("item", project, put_off.pk)))
    assert f'data-item="{put_off.pk}"' in again
    assert "You put this item off: “later”" in again


def test_an_item_that_was_jumped_to_says_so(client_of, project, reviewer, made):
    last = made.items.order_by("order").last()
    client = client_of(reviewer)

    assert "This item is out of turn." in text_of(client.get(path("item", project, last.pk)))
    assert "This item is out of turn." not in text_of(client.get(path("desk", project, made.pk)))


def test_what_was_put_off_is_free_for_others_and_its_draft_kept(client_of, project, lead, reviewer, made):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)
    post(client, "draft", project, item, note="half")

    post(client, "defer", project, item)

    assert Deferral.objects.get().reviewer == reviewer
    assert Draft.objects.get().said == {"note": "half"}
    assert claim_item(item.pk, lead)


def test_a_labelled_item_is_not_put_off(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("pass"))

    answer = post(client_of(reviewer), "defer", project, item)

    assert "You labelled this item already" in text_of(answer)
    assert not Deferral.objects.exists()


def test_jumping_by_number_goes_to_own_labels_then_to_what_is_free(client_of, project, reviewer):
    made = make_round(make_run(make_version(project, 5)))
    items = list(made.items.order_by("order"))
    record_label(claim_next(made, reviewer), reviewer, assessed("pass"))
    claim_next(made, reviewer)
    client = client_of(reviewer)

    def to(number):
        answer = client.get(path("jump", project, made.pk), {"number": number})
        return answer["Location"] if answer.status_code == 302 else answer.status_code

    assert [to(number) for number in range(1, 6)] == [path("item", project, item.pk) for item in items]
    assert [to(number) for number in (0, 6, 999_999_999_999, "x", "-1")] == [422] * 5


def test_the_numbers_on_the_jump_page_open_what_stands_beside_them(client_of, project, reviewer, made):
    for item in made.items.order_by("-order"):
        claim_item(item.pk, reviewer)
        record_label(item, reviewer, assessed("pass"))
    client, address = client_of(reviewer), path("jump", project, made.pk)

    listed = re.findall(r'href="([^"]+)"><span class="soft">(\d+)</span>', text_of(client.get(address)))

    assert [number for _, number in listed] == ["3", "2", "1"]
    assert [client.get(address, {"number": number}).url for _, number in listed] == [opened for opened, _ in listed]


def test_the_jump_page_lists_what_was_put_off_begun_and_labelled(client_of, project, lead, reviewer, made):
    labelled, begun, put_off = made.items.order_by("order")
    client = client_of(reviewer)
    claim_item(labelled.pk, reviewer)
    record_label(labelled, reviewer, assessed("fail", note="wrong city"))
    post(client, "draft", project, begun, note="half a thought")
    post(client, "defer", project, put_off, reason="ask legal")

    page = text_of(client.get(path("jump", project, made.pk)))

    for heading, words in [("Put off by you", "ask legal"), ("Begun", "half a thought"), ("Labelled", "wrong city")]:
        assert words in page.split(heading)[1].split("</section>")[0]
    assert "wrong city" not in text_of(client_of(lead).get(path("jump", project, made.pk)))


def test_the_item_of_another_is_not_shown(client_of, project, lead, reviewer, made):
    item = claim_next(made, lead)

    answer = client_of(reviewer).get(path("item", project, item.pk))

    assert answer["Location"] == path("desk", project, made.pk)


# ---- who may


def test_people_who_are_not_named_are_told_so_and_give_no_label(client_of, project, lead, reviewer, made):
    made.reviewers.add(lead)
    client = client_of(reviewer)

    page = text_of(client.get(path("desk", project, made.pk)))
    item = made.items.first()
    answer = post(client, "label", project, item, outcome="pass", saw_label="anything")

    assert "You are not among the people of this round" in page
    assert answer.status_code == 422
    assert client.get(path("following", project, item.pk), headers=HTMX).status_code == 204
    assert client.get(path("item", project, item.pk)).status_code == 302
    assert not Claim.objects.exists()
    assert not Label.objects.exists()


def test_who_is_not_named_any_more_still_changes_own_labels(client_of, project, lead, reviewer, made):
    item = claim_next(made, reviewer)
    label = record_label(item, reviewer, assessed("pass"))
    made.reviewers.add(lead)

    answer = post(
        client_of(reviewer), "label", project, item, outcome="fail", note="after all", saw_label=version_of(label)
    )

    assert answer.status_code == 200
    assert Label.objects.get().outcome == "fail"


def test_an_item_given_to_somebody_who_is_not_named_is_theirs(client_of, project, lead, reviewer, made):
    made.reviewers.add(lead)
    item = made.items.first()
    ReviewItem.objects.filter(pk=item.pk).update(assigned_to=[reviewer.pk])
    client = client_of(reviewer)

    assert client.get(path("item", project, item.pk)).status_code == 200
    assert post(client, "label", project, item, outcome="pass").status_code == 200


def test_the_desk_of_a_closed_round_says_so(client_of, project, reviewer, made):
    Round.objects.update(closed_at=timezone.now())

    answer = client_of(reviewer).get(path("desk", project, made.pk))

    assert answer.status_code == 200
    assert "The round is closed" in text_of(answer)


def test_open_coding_hides_the_error_types(client_of, project, reviewer, made, error_type):
    Round.objects.update(hides_types=True)
    client = client_of(reviewer)
    page = text_of(client.get(path("desk", project, made.pk)))
    item = claim_next(made, reviewer)

    assert 'name="error_types"' not in page
    assert error_type.name not in page
    assert post(client, "label", project, item, outcome="fail").status_code == 422
    assert post(client, "label", project, item, outcome="fail", note="odd").status_code == 200


# ---- what it costs


@pytest.mark.parametrize("size", [3, 40])
def test_the_desk_asks_the_database_the_same_for_any_size(client_of, project, reviewer, error_type, size):
    run = make_run(make_version(project, size), answers=["wrong"] * size)
    check = make_check(run.version)
    for output in run.outputs.all():
        make_score(output, check, passed=False)
    made = make_round(run)
    client = client_of(reviewer)
    record_label(claim_next(made, reviewer), reviewer, assessed("pass"))
    client.get(path("desk", project, made.pk))
    item = claim_next(made, reviewer)

    shown = questions(lambda: client.get(path("desk", project, made.pk)))
    following = questions(lambda: client.get(path("following", project, item.pk), headers=HTMX))
    said = {"outcome": "fail", "error_types": [error_type.pk], "note": "n"}
    labelled = questions(lambda: post(client, "label", project, item, **said))

    assert (len(shown), len(following)) == (11, 12)
    assert len(labelled) <= 22
    assert not any("count(*)" in sql.lower() and "seat" not in sql and "claim" not in sql for sql in shown + labelled)


def questions(call):
    """The statements of a request, but those that begin and end transactions."""
    with CaptureQueriesContext(connection) as asked:
        assert call().status_code == 200
    return [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
