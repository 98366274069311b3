"""Where the figures of a report lead, and where it is found itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from evalhub.projects.models import Project
from evalhub.web.templatetags.ui import address
from taxonomy.report.data import Report
from taxonomy.report.pdf import pdf_of
from taxonomy.report.writing import Document, Link, document_of


def home_of(project: Project, made: Report) -> str:
    """Where the report is found, also from a sheet of paper."""
    return settings.PUBLIC_URL + address("taxonomy:report", project.slug, **made.asked)


def linker(project: Project, server: str = "") -> Link:
    """Turns the name of a page and its query into an address; with ``server`` into one that works from elsewhere."""

    def link(page: str, query: Mapping[str, Any] | str = "", /) -> str:
        path = address(page, project.slug)
        asked = query if isinstance(query, str) else address(page, project.slug, **query).partition("?")[2]
        return f"{server}{path}?{asked}" if asked else f"{server}{path}"

    return link


def page_document(project: Project, made: Report) -> Document:
    """For the page: its links stay on the server."""
    return document_of(made.content, linker(project), home_of(project, made))


def printed(project: Project, made: Report, paper: str) -> bytes:
    """As PDF, whose links work from elsewhere."""
    document = document_of(made.content, linker(project, settings.PUBLIC_URL), home_of(project, made))
    return pdf_of(document, made.dated, paper)
