"""What a gate said as JUnit XML, which continuous integration shows: a test case for each rule and failure mode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.rules import Judged, Outcome
from evalhub.client.telling import plain

# XML has no way to write these, not even escaped.
NOT_XML = re.compile("[\ufffe\uffff]")


def junit_xml(name: str, judged: Sequence[Judged], is_strict: bool, fault: str = "") -> bytes:
    """A test suite of this name. ``fault``: why nothing could be judged, as one case that ends in an error."""
    failed = [each for each in judged if is_failure(each, is_strict)]
    skipped = [each for each in judged if each.outcome == Outcome.CANNOT_TELL and not is_strict]
    counts = {
        "tests": str(len(judged) + bool(fault)),
        "failures": str(len(failed)),
        "errors": str(int(bool(fault))),
        "skipped": str(len(skipped)),
    }
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": text(name), **counts})
    for each in judged:
        add_case(suite, each, is_strict)
    if fault:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "evalhub gate", "name": "judged at all"})
        ElementTree.SubElement(case, "error", {"message": text(fault)})
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def add_case(suite: ElementTree.Element, judged: Judged, is_strict: bool) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": text(judged.rule), "name": text(judged.subject)})
    if is_failure(judged, is_strict):
        kind = "cannot tell" if judged.outcome == Outcome.CANNOT_TELL else "failed"
        ElementTree.SubElement(case, "failure", {"type": kind, "message": text(judged.reason)})
    elif judged.outcome == Outcome.CANNOT_TELL:
        ElementTree.SubElement(case, "skipped", {"message": text(f"Cannot tell. {judged.reason}")})
    else:
        ElementTree.SubElement(case, "system-out").text = text(judged.reason)


def is_failure(judged: Judged, is_strict: bool) -> bool:
    return judged.outcome == Outcome.FAILED or (is_strict and judged.outcome == Outcome.CANNOT_TELL)


def text(value: str) -> str:
    """Without what XML cannot hold, nor what would turn a line around where it is shown."""
    return NOT_XML.sub("�", plain(value))


def write_junit(path: str, content: bytes) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise ClientFault(f"{path} cannot be written: {error.strerror}.", Exit.WRONG_USE) from error
