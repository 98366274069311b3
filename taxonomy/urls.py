from django.urls import path

from taxonomy.breakdown import views as breakdown_views
from taxonomy.comparison import fragment_views
from taxonomy.comparison import views as comparison_views
from taxonomy.types import views as type_views

app_name = "taxonomy"
urlpatterns = [
    path("error-types/", type_views.error_types, name="error_types"),
    path("error-types/new/", type_views.new_error_type, name="new_error_type"),
    path("error-types/<int:pk>/", type_views.edit_error_type, name="edit_error_type"),
    path("error-types/<int:pk>/move/", type_views.move, name="move"),
    path("error-types/<int:pk>/retire/", type_views.retire, name="retire"),
    path("error-types/<int:pk>/restore/", type_views.restore, name="restore"),
    path("breakdown/", breakdown_views.breakdown, name="breakdown"),
    path("breakdown/outputs/", breakdown_views.outputs, name="outputs"),
    path("breakdown/comparison/", comparison_views.comparison, name="comparison"),
    path("breakdown/comparison/slices/", fragment_views.concentration, name="concentration"),
    path("breakdown/comparison/steps/", fragment_views.transitions, name="transitions"),
    path("breakdown/comparison/steps/outputs/", fragment_views.transition_outputs, name="transition_outputs"),
    path("breakdown/summary/", breakdown_views.summary, name="summary"),
    path("outputs/<int:pk>/verdict/", breakdown_views.output_verdict, name="output_verdict"),
]
