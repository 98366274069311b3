import pytest

from evalhub.checks.keeping import NameTakenError, RetiredError, add_check, replace_check, retire_check, suggested_name
from evalhub.checks.models import Check
from evalhub.checks.scoring import score_run
from evalhub.projects.models import Event
from tests.making import make_check, make_run, make_version


@pytest.fixture
def version(project):
    return make_version(project, 2)


def test_a_change_retires_the_check_and_makes_another_of_its_name(version, lead):
    old = make_check(version, "Equal", ignore_case=True)
    run = make_run(version)
    score_run(run)

    new = replace_check(old, "Equal", {"ignore_case": False}, lead)

    old.refresh_from_db()
    assert old.retired_at is not None
    assert (old.parameters, new.parameters) == ({"ignore_case": True}, {"ignore_case": False})
    assert (new.kind, new.name, new.retired_at) == ("equals", "Equal", None)
    assert (old.scores.count(), new.scores.count()) == (2, 0)
    assert Event.objects.filter(action="changed the check").get().actor == lead


def test_two_active_checks_of_one_name_are_refused_and_nothing_changes(version, lead):
    taken, old = make_check(version, "Equal"), make_check(version, "Other")

    with pytest.raises(NameTakenError, match="There is an active check of this name"):
        add_check(version.eval_set, "equals", "Equal", {}, lead)
    with pytest.raises(NameTakenError):
        replace_check(old, "Equal", {}, lead)

    assert list(Check.objects.active()) == [taken, old]
    assert not Event.objects.filter(action__contains="check").exists()


def test_a_retired_check_cannot_be_retired_or_changed_again(version, lead):
    check = make_check(version)
    retire_check(check, lead)

    with pytest.raises(RetiredError, match="retired already"):
        retire_check(check, lead)
    with pytest.raises(RetiredError):
        replace_check(check, "Equal", {}, lead)

    assert Check.objects.count() == 1
    assert Event.objects.filter(action="retired the check").count() == 1


def test_the_name_of_a_retired_check_is_free(version, lead):
    retire_check(make_check(version, "Equal"), lead)

    assert add_check(version.eval_set, "equals", "Equal", {}, lead).name == "Equal"


@pytest.mark.parametrize(
    ("taken", "name"),
    [([], "Number"), (["number"], "Number 2"), (["Number", "Number 2", "Number 4"], "Number 3")],
)
def test_a_name_that_is_free_is_suggested(taken, name):
    assert suggested_name("Number", taken) == name
