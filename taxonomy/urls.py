from django.urls import path

from taxonomy import views

app_name = "taxonomy"
urlpatterns = [
    path("error-types/", views.error_types, name="error_types"),
    path("error-types/new/", views.new_error_type, name="new_error_type"),
    path("error-types/<int:pk>/", views.edit_error_type, name="edit_error_type"),
    path("error-types/<int:pk>/move/", views.move, name="move"),
    path("error-types/<int:pk>/retire/", views.retire, name="retire"),
    path("error-types/<int:pk>/restore/", views.restore, name="restore"),
    path("breakdown/", views.breakdown, name="breakdown"),
    path("breakdown/outputs/", views.outputs, name="outputs"),
    path("breakdown/comparison/", views.comparison, name="comparison"),
    path("breakdown/summary/", views.summary, name="summary"),
    path("outputs/<int:pk>/verdict/", views.output_verdict, name="output_verdict"),
]
