"""The answer's JSON follows a JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any, Never

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind

from evalhub.checks.kinds.base import (
    NO_ANSWER,
    PASSED,
    Answer,
    Cause,
    Expected,
    Judge,
    Judgement,
    Kind,
    Parameter,
    ParameterError,
    failed,
)
from evalhub.checks.kinds.json_text import find_json
from evalhub.checks.kinds.wording import enumerate_briefly, excerpt, quote

LONGEST_LISTED = 10_000  # characters of an answer whose faults are all counted; each fault costs 10 µs

CLASSES = {
    "missing_field": {"Required"},
    "wrong_type": {"Type"},
    "not_allowed_value": {
        *("Enum", "Constant", "Pattern", "Format", "MultipleOf", "MinLength", "MaxLength"),
        *("Minimum", "Maximum", "ExclusiveMinimum", "ExclusiveMaximum"),
    },
    "extra_field": {"AdditionalProperties", "UnevaluatedProperties"},
}
RANK = [*CLASSES, "other_schema_violation"]
CLASS_OF = {keyword: code for code, keywords in CLASSES.items() for keyword in keywords}


def build(parameters: Mapping[str, Any]) -> Judge:
    validator = _compile(parameters["schema"])

    def judge(answer: Answer, _expected: Expected) -> Judgement:
        found = find_json(answer.text)
        if not found.is_clear:
            return failed("invalid_json", f"The answer cannot be read as JSON: {found.describe()}.")
        if validator.is_valid(found.value):
            return PASSED
        return _describe(_list_faults(validator, found.value, is_long=len(answer.text) > LONGEST_LISTED))

    return judge


def _compile(schema: Any) -> jsonschema_rs.Validator:
    """Return the compiled schema. Raises ParameterError that says where the schema is at fault.

    Nothing is ever fetched or opened, and its patterns run in linear time.
    """
    if not isinstance(schema, dict | bool) or schema == {}:
        raise ParameterError("schema", 'Give a JSON Schema: an object such as {"type": "object", "required": ["id"]}.')
    asked: list[str] = []

    def refuse(uri: str) -> Never:
        asked.append(uri)
        raise LookupError(uri)

    try:
        return jsonschema_rs.validator_for(
            schema, retriever=refuse, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
        )
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        if asked:
            raise ParameterError(
                "schema",
                f"The schema refers to another document, {quote(asked[0])}, and nothing is ever fetched. Put that part "
                "into “$defs” and refer to it as “#/$defs/…”.",
            ) from None
        raise ParameterError("schema", _explain_schema_fault(error)) from None


def _explain_schema_fault(error: Exception) -> str:
    path = _path(getattr(error, "instance_path", ()))
    place = f" at {quote(path)}" if path else ""
    reason = str(error).split("\n", 1)[0]
    if path.endswith("type") and "anyOf" in reason:
        reason = "a type is one of string, number, integer, boolean, object, array and null"
    elif "regex" in reason:
        reason = f"{reason}; patterns know no lookaround and no backreference"
    return f"The schema is not valid{place}: {excerpt(reason, 200)}."


def _list_faults(
    validator: jsonschema_rs.Validator, value: Any, *, is_long: bool
) -> list[jsonschema_rs.ValidationError]:
    """Return the faults, most telling class first; of a long answer only one."""
    if not is_long:
        return sorted(validator.iter_errors(value), key=lambda fault: RANK.index(_class_of(fault)))
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as fault:
        return [fault]
    return []


def _class_of(fault: jsonschema_rs.ValidationError) -> str:
    return CLASS_OF.get(type(fault.kind).__name__, "other_schema_violation")


def _describe(faults: Sequence[jsonschema_rs.ValidationError]) -> Judgement:
    more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
    return failed(_class_of(faults[0]), f"{_sentence(faults[0])}{more}.")


def _sentence(fault: jsonschema_rs.ValidationError) -> str:
    """Say in plain words what one fault is and where."""
    path = _path(fault.instance_path)
    name = f"The field {quote(path)}" if path else "The JSON"
    match fault.kind:
        case ValidationErrorKind.Required(property=missing):
            return f"The field {quote(_path([*fault.instance_path, missing]))} is missing"
        case ValidationErrorKind.Type(types=types):
            return f"{name} is {quote(fault.instance)}, which is not of type {' or '.join(types)}"
        case ValidationErrorKind.Enum(options=options):
            allowed = enumerate_briefly([quote(option, 40) for option in options])
            return f"{name} is {quote(fault.instance)}, but only {allowed} are allowed"
        case (
            ValidationErrorKind.AdditionalProperties(unexpected=extra)
            | ValidationErrorKind.UnevaluatedProperties(unexpected=extra)
        ):
            names = enumerate_briefly([quote(_path([*fault.instance_path, field]), 40) for field in extra])
            return f"The schema does not allow the field {names}"
    return f"{name} breaks the schema: {excerpt(fault.message, 200)}"


def _path(parts: Sequence[str | int]) -> str:
    return ".".join(map(str, parts))


KIND = Kind(
    code="json_schema",
    title="JSON Schema",
    description="The answer's JSON, alone or inside a code fence, follows a JSON Schema.",
    expects=(),
    parameters=(
        Parameter(
            "schema",
            "JSON Schema",
            "json",
            None,
            help="Formats such as “date” are checked. References stay inside the schema; nothing is fetched.",
        ),
    ),
    causes=(
        NO_ANSWER,
        Cause("invalid_json", "Invalid JSON", "The answer cannot be read as JSON, alone or inside a code fence."),
        Cause("missing_field", "Missing field", "A required field is missing."),
        Cause(
            "wrong_type", "Wrong type", "A value is of another type than the schema says, such as text for a number."
        ),
        Cause("not_allowed_value", "Value not allowed", "A value is not among those that the schema allows."),
        Cause("extra_field", "Extra field", "A field is there that the schema does not allow."),
        Cause("other_schema_violation", "Other schema violation", "The JSON breaks another rule of the schema."),
    ),
    build=build,
    wants_text=True,
)
