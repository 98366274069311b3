"""Exports in templates: ``{% load exports %}``."""

from __future__ import annotations

from django import template

from evalhub.exports.models import Export
from evalhub.exports.sources import source_of

register = template.Library()


@register.filter
def formats_of(kind: str) -> list[tuple[str, str]]:
    """The formats in which a kind of rows can be exported, each with its name."""
    return [(format, Export.Format(format).label) for format in source_of(kind).formats]
