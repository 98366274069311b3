import pytest
from django.http import QueryDict

from evalhub.checks.forms import CheckForm
from evalhub.checks.kinds import KINDS


def form_of(kind, taken=(), **fields):
    data = QueryDict(mutable=True)
    data["name"] = fields.pop("name", "Mine")
    for parameter in KINDS[kind].parameters:
        value = fields.pop(parameter.name, default_in_a_form(parameter))
        if value is not None:
            data[f"parameter-{parameter.name}"] = value
    assert not fields
    return CheckForm(data, kind=KINDS[kind], taken=list(taken), name="")


def default_in_a_form(parameter):
    if parameter.type == "boolean":
        return "on" if parameter.default else None
    return "" if parameter.default in ([], None) else str(parameter.default)


@pytest.mark.parametrize("kind", KINDS.keys() - {"matches", "json_schema"})
def test_a_form_left_alone_gives_the_kinds_defaults(kind):
    form = form_of(kind)

    assert form.is_valid()
    assert form.parameters == {parameter.name: parameter.default for parameter in KINDS[kind].parameters}


@pytest.mark.parametrize("kind", KINDS)
def test_each_parameter_has_a_field_with_its_label_and_help(kind):
    form = CheckForm(None, kind=KINDS[kind], taken=[], name="Mine")

    assert [(field.label, field.help_text) for field in form.parameter_fields] == [
        (parameter.label, parameter.help) for parameter in KINDS[kind].parameters
    ]


def test_every_type_of_parameter_arrives_typed():
    number = form_of("number", source="pattern", pattern=" (x) ", tolerance="0.5", tolerance_kind="relative")
    contains = form_of("contains", texts=" a\r\n\r\nb b \n", mode="any", ignore_case=None)
    schema = form_of("json_schema", schema='{"type": "object", "required": ["a"]}')

    assert number.is_valid() and contains.is_valid() and schema.is_valid()
    assert number.parameters["pattern"] == " (x) "
    assert number.parameters["tolerance"] == 0.5
    assert contains.parameters == {"texts": ["a", "b b"], "mode": "any", "ignore_case": False}
    assert schema.parameters == {"schema": {"type": "object", "required": ["a"]}}


def test_a_whole_number_stays_whole():
    form = form_of("number", tolerance="2.0")

    assert form.is_valid()
    assert repr(form.parameters["tolerance"]) == "2"


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        ("matches", "pattern", "(", ""),
        ("matches", "pattern", "a\0", "Null characters are not allowed."),
        ("number", "tolerance", "-1", "The tolerance must be 0 or more."),
        ("number", "tolerance", "nan", "Enter a number."),
        ("number", "tolerance", "", "This field is required."),
        ("number", "source", "oracle", "Select a valid choice."),
        ("contains", "texts", "a\0", "Leave out the null characters."),
        ("json_schema", "schema", '{"a": 1,}', "This is not JSON: a comma with nothing after it at line 1, column 9."),
        ("json_schema", "schema", "[" * 200 + "]" * 200, "This is not JSON: it is nested more than 100 levels deep."),
        ("json_schema", "schema", '{"a": "\\u0000"}', "Leave out \\u0000"),
        ("json_schema", "schema", '{"\\ud800": 1}', "This is not JSON: it holds half a character"),
        ("json_schema", "schema", '{"type": "colour"}', ""),
        ("json_schema", "schema", "", ""),
    ],
)
def test_a_fault_stands_at_its_field(kind, field, value, message):
    form = form_of(kind, **{field: value})

    assert not form.is_valid()
    assert list(form.errors) == [f"parameter-{field}"]
    [error] = form.errors[f"parameter-{field}"]
    assert error.startswith(message)


def test_a_parameter_that_another_one_needs_is_named_at_its_field():
    form = form_of("number", source="field", field="")

    assert not form.is_valid()
    assert list(form.errors) == ["parameter-field"]


def test_the_name_of_another_active_check_is_refused():
    form = form_of("equals", taken=["Equal"], name=" equal ")

    assert form.errors["name"] == [
        "There is an active check of this name. Choose another name, or retire that check first."
    ]


def test_what_was_typed_comes_back_with_the_fault_and_what_is_stored_is_written_out():
    wrong = form_of("json_schema", schema='{"a": 1,}')
    stored = CheckForm(None, kind=KINDS["json_schema"], taken=[], name="S", parameters={"schema": {"type": "array"}})
    lines = CheckForm(None, kind=KINDS["contains"], taken=[], name="S", parameters={"texts": ["a", "b"]})

    assert wrong["parameter-schema"].value() == '{"a": 1,}'
    assert stored["parameter-schema"].value() == '{\n  "type": "array"\n}'
    assert lines["parameter-texts"].value() == "a\nb"
    assert "\na\nb</textarea>" in str(lines["parameter-texts"])
