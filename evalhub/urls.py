"""Every address: the account's own, and below /p/PROJECT/ those of a project."""

from django.urls import include, path

handler400 = "evalhub.web.views.bad_request"
handler500 = "evalhub.web.views.server_error"

in_project = [
    path("", include("evalhub.exports.urls")),
    path("", include("evalhub.evalsets.urls")),
    path("", include("evalhub.candidates.urls")),
    path("", include("evalhub.runs.urls")),
    path("", include("evalhub.checks.urls")),
    path("", include("taxonomy.urls")),
    path("", include("reviews.urls")),
]
urlpatterns = [
    path("", include("evalhub.web.urls")),
    path("", include("evalhub.projects.urls")),
    path("api/", include("evalhub.api.urls")),
    path("p/<slug:slug>/", include(in_project)),
]
