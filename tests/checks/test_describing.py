from evalhub.checks.describing import Setting, cause_title, settings_of
from evalhub.checks.models import Check


def test_settings_that_differ_from_the_defaults_are_told_in_words():
    check = Check(
        kind="number", parameters={"source": "field", "field": "order.total", "tolerance": 0.5, "pattern": ""}
    )

    assert settings_of(check) == [
        Setting("Take the number from", "a JSON field"),
        Setting("JSON field", "order.total"),
        Setting("Tolerance", "0.5"),
    ]


def test_every_type_of_setting_can_be_told():
    assert settings_of(Check(kind="contains", parameters={"texts": ["a", "b c"], "ignore_case": False})) == [
        Setting("Texts", "“a”, “b c”"),
        Setting("Ignore upper and lower case", "no"),
    ]
    [schema] = settings_of(Check(kind="json_schema", parameters={"schema": {"enum": ["é" * 400]}}))
    assert schema.value.startswith('{"enum": ["éé')
    assert (len(schema.value), schema.value[-1]) == (300, "…")


def test_a_check_of_an_unknown_kind_is_told_as_it_is_stored():
    check = Check(kind="horoscope", parameters={"sign": "leo"})

    assert settings_of(check) == [Setting("sign", '"leo"')]
    assert cause_title(check, "bad_moon") == "bad_moon"


def test_causes_have_titles_and_a_field_stands_behind_its():
    check = Check(kind="json_fields")

    assert cause_title(check, "wrong_field:order.id") == "Wrong field: order.id"
    assert cause_title(check, "") == ""
