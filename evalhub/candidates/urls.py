from django.urls import path

from evalhub.candidates import candidate_views, endpoint_views

app_name = "candidates"
urlpatterns = [
    path("candidates/", candidate_views.list_candidates, name="list"),
    path("candidates/new/", candidate_views.new, name="new"),
    path("candidates/prices/", candidate_views.prices, name="prices"),
    path("candidates/<int:pk>/", candidate_views.edit, name="edit"),
    path("candidates/<int:pk>/try/", candidate_views.try_it, name="try"),
    path("candidates/<int:pk>/baseline/", candidate_views.make_baseline, name="make_baseline"),
    path("candidates/<int:pk>/archive/", candidate_views.archive_candidate, name="archive"),
    path("candidates/<int:pk>/restore/", candidate_views.restore_candidate, name="restore"),
    path("candidates/endpoints/", endpoint_views.list_endpoints, name="endpoints"),
    path("candidates/endpoints/new/", endpoint_views.new, name="new_endpoint"),
    path("candidates/endpoints/<int:pk>/", endpoint_views.edit, name="edit_endpoint"),
    path("candidates/endpoints/<int:pk>/remove-key/", endpoint_views.remove_key, name="remove_key"),
    path("candidates/endpoints/<int:pk>/delete/", endpoint_views.delete, name="delete_endpoint"),
]
