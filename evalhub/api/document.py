"""The description of the API for programs (OpenAPI), and the same taken apart for the page that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from evalhub.api import shapes
from evalhub.api.once import HEADER, REPLAYED
from evalhub.api.v1 import ROUTERS, api

PREFIX = "api/v1/"
SHAPES = "#/components/schemas/"
FAULT = {"$ref": f"{SHAPES}Fault"}
EVERY_FAULT = {"401": "No key, or one that does not work.", "403": "The key may not do this."}
FAULTS_OF_OBJECTS = {"404": "Not in this project."}
FAULTS_OF_FILES = {
    "400": "The connection ended before the file did.",
    "411": "Without “Content-Length”.",
    "413": "Larger than uploads may be.",
    "415": "A form, where the file itself is wanted.",
}
FAULTS_OF_WRITES = {
    "409": "Not possible in this state, or the same request is being answered this moment.",
    "422": "Not understood, or refused by a rule.",
}
IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "New for each thing that you want done; sent again, the request does nothing twice.",
}
REPLAY_HEADER = {REPLAYED: {"description": "“true” where the work was done before.", "schema": {"type": "string"}}}


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of what the routers offer."""
    document: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    definitions = document["components"]["schemas"]
    faults = shapes.Fault.model_json_schema(ref_template=SHAPES + "{model}")
    definitions |= faults.pop("$defs")
    definitions["Fault"] = faults
    document.pop("servers")
    document["tags"] = [{"name": router.tags[0]} for router in ROUTERS if router.tags]
    document["paths"] = {path.replace("{pk}", "{id}"): each for path, each in document["paths"].items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            complete(operation, method, path)
    spelled = json.dumps(document)
    # Ninja also defines what it has taken apart into parameters.
    for name in [name for name in definitions if f'"{SHAPES}{name}"' not in spelled]:
        del definitions[name]
    return document


def complete(operation: dict[str, Any], method: str, path: str) -> None:
    """Add what holds for all operations: their faults, and for writes the idempotency key."""
    faults = EVERY_FAULT | (FAULTS_OF_OBJECTS if "{" in path else {})
    for parameter in operation["parameters"]:
        if parameter["name"] == "pk":  # our word for it, and nobody else's
            parameter.update(name="id", description="Its id.")
    operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
    for answer in operation["responses"].values():
        answer["description"] = "As described."
    if method != "get":
        operation["parameters"].append(IDEMPOTENCY)
        for answer in operation["responses"].values():
            answer["headers"] = REPLAY_HEADER
        faults |= FAULTS_OF_OBJECTS | FAULTS_OF_WRITES | (FAULTS_OF_FILES if takes_file(operation) else {})
    elif any(parameter["in"] == "query" for parameter in operation["parameters"]):
        faults |= {"422": FAULTS_OF_WRITES["422"]}
    elif path.endswith("/file"):
        faults |= {"409": "The file is not ready."}
    for status, meaning in sorted(faults.items()):
        operation["responses"][status] = {"description": meaning, "content": {"application/json": {"schema": FAULT}}}


def takes_file(operation: Mapping[str, Any]) -> bool:
    return "application/octet-stream" in operation.get("requestBody", {}).get("content", {})


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body or an answer; ``shape`` names the shape it has, where that is one of ours."""

    name: str
    kind: str
    shape: str
    is_required: bool
    description: str


@dataclass(frozen=True)
class Described:
    """One operation as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    takes_file: bool
    answer: str
    example: str
    faults: list[tuple[str, str]]


def groups() -> Iterator[tuple[str, list[Described]]]:
    """Yield each tag with its operations, in the order of the routers."""
    document = openapi_document()
    for tag in document["tags"]:
        yield (
            tag["name"],
            [
                described(path, method, operation)
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                if tag["name"] in operation["tags"]
            ],
        )


def described(path: str, method: str, operation: Mapping[str, Any]) -> Described:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    good = next(answer for status, answer in operation["responses"].items() if status < "400")
    answer = good.get("content", {}).get("application/json", {}).get("schema", {})
    return Described(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=[
            field_of(each["name"], each["schema"], each["required"], each.get("description", ""))
            for each in operation["parameters"]
            if each is not IDEMPOTENCY
        ],
        body=fields_of(shape_of(body)) if body else [],
        takes_file=takes_file(operation),
        answer=shape_of(answer),
        example=example_of(shape_of(answer)),
        faults=[(status, each["description"]) for status, each in operation["responses"].items() if status >= "400"],
    )


def example_of(name: str) -> str:
    """An answer of this shape as JSON, where the shape gives one; else nothing."""
    example = openapi_document()["components"]["schemas"].get(name, {}).get("example")
    return json.dumps(example, ensure_ascii=False, indent=2) if example else ""


def answered_shapes() -> list[tuple[str, str, list[Field]]]:
    """Name, description and fields of each shape that is answered."""
    definitions = openapi_document()["components"]["schemas"]
    sent = {name for name, each in definitions.items() if each.get("additionalProperties") is False}
    return [
        (name, each.get("description", "").partition("\n")[0], fields_of(name))
        for name, each in sorted(definitions.items())
        if each.get("properties") and name not in sent
    ]


def fields_of(name: str) -> list[Field]:
    definition = openapi_document()["components"]["schemas"].get(name, {})
    required = definition.get("required", [])
    return [
        field_of(field, schema, field in required, schema.get("description", ""))
        for field, schema in definition.get("properties", {}).items()
    ]


def field_of(name: str, schema: Mapping[str, Any], is_required: bool, description: str) -> Field:
    kind = kind_of(schema)
    # What may be left out of a request needs no word for “nothing”.
    kind = kind if is_required else kind.removesuffix(" or null")
    return Field(name, kind, shape_of(schema), is_required, description)


def kind_of(schema: Mapping[str, Any]) -> str:
    """What a value is, in words: “whole number or null”."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        kind = kind_of(schema.get("items", {}))
        return f"list of {kind}s" if kind == "whole number" else f"list of {kind}"
    if schema.get("format") == "date-time":
        return "time"
    words = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "object"}
    return shape_of(schema) or words.get(schema.get("type", ""), str(schema.get("type", "anything")))


def shape_of(schema: Mapping[str, Any] | None) -> str:
    """The name of the shape that a schema refers to, or that its items have; empty if it is none of ours."""
    if not schema:
        return ""
    inner = [schema, schema.get("items", {}), *schema.get("anyOf", []), *schema.get("allOf", [])]
    return next((each["$ref"].rpartition("/")[2] for each in inner if "$ref" in each), "")
