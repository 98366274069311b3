"""Keys of the project's people. Imports stay inside: pytest may load this file before Django is set up."""

from __future__ import annotations

import pytest


@pytest.fixture
def admin_api(admin, project):
    from tests.api.asking import api_of

    return api_of(admin, project)


@pytest.fixture
def lead_api(lead, project):
    from tests.api.asking import api_of

    return api_of(lead, project)


@pytest.fixture
def reviewer_api(reviewer, project):
    from tests.api.asking import api_of

    return api_of(reviewer, project)
