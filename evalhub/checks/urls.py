from django.urls import path

from evalhub.checks import version_views, views

app_name = "checks"
urlpatterns = [
    path("evalsets/<int:pk>/checks/", views.of_eval_set, name="of_eval_set"),
    path("evalsets/<int:pk>/checks/new/", views.new, name="new"),
    path("evalsets/<int:pk>/checks/new/<slug:kind>/", views.add, name="add"),
    path("evalsets/checks/<int:pk>/edit/", views.edit, name="edit"),
    path("evalsets/checks/<int:pk>/retire/", views.retire, name="retire"),
    path("runs/<int:pk>/scores/", views.run_scores, name="run_scores"),
    path("runs/<int:pk>/versions/", version_views.under_versions, name="under_versions"),
    path("evalsets/versions/<int:pk>/earlier-runs/", version_views.earlier_runs, name="earlier_runs"),
    path("runs/scored/", views.outputs, name="outputs"),
    path("outputs/<int:pk>/scores/", views.output_scores, name="output_scores"),
]
