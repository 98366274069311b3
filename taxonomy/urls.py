from django.urls import path

from taxonomy.breakdown import output_views
from taxonomy.breakdown import views as breakdown_views
from taxonomy.comparison import fragment_views
from taxonomy.comparison import views as comparison_views
from taxonomy.meanings import views as meaning_views
from taxonomy.report import views as report_views
from taxonomy.types import change_views, example_views, file_views, version_views
from taxonomy.types import views as type_views

app_name = "taxonomy"
urlpatterns = [
    path("error-types/", type_views.error_types, name="error_types"),
    path("error-types/new/", type_views.new_error_type, name="new_error_type"),
    path("error-types/order/", type_views.order, name="order"),
    path("error-types/merge/", change_views.merge, name="merge"),
    path("error-types/<int:pk>/", type_views.error_type, name="error_type"),
    path("error-types/<int:pk>/edit/", type_views.edit_error_type, name="edit_error_type"),
    path("error-types/<int:pk>/move/", change_views.move, name="move"),
    path("error-types/<int:pk>/split/", change_views.split, name="split"),
    path("error-types/<int:pk>/retire/", change_views.retire, name="retire"),
    path("error-types/<int:pk>/restore/", change_views.restore, name="restore"),
    path("error-types/<int:pk>/outputs/", type_views.type_outputs, name="type_outputs"),
    path("error-types/<int:pk>/examples/", example_views.add_example_of, name="add_example"),
    path("error-types/examples/<int:pk>/remove/", example_views.remove_example_of, name="remove_example"),
    path("error-types/history/", version_views.versions, name="versions"),
    path("error-types/history/<int:number>/", version_views.version, name="version"),
    path("error-types/history/<int:number>/back/", change_views.go_back, name="go_back"),
    path("error-types/weights/", type_views.weights, name="weights"),
    path("error-types/starters/", file_views.show_starters, name="starters"),
    path("error-types/starters/<slug:name>/", file_views.add_starter, name="add_starter"),
    path("error-types/import/", file_views.import_taxonomy, name="import"),
    path("error-types/export/<slug:format>/", file_views.export_taxonomy, name="export"),
    path("error-types/checks/", meaning_views.meanings, name="meanings"),
    path("evalsets/<int:pk>/checks/meanings/", meaning_views.meanings_of_set, name="meanings_of_set"),
    path("evalsets/<int:pk>/checks/meanings/progress/", meaning_views.meanings_progress, name="meanings_progress"),
    path("evalsets/checks/<int:pk>/meanings/", meaning_views.change_check_meanings, name="change_meanings"),
    path("outputs/<int:pk>/examples/", example_views.output_examples, name="output_examples"),
    path("breakdown/", breakdown_views.breakdown, name="breakdown"),
    path("breakdown/mode/", breakdown_views.mode, name="mode"),
    path("breakdown/checks/", breakdown_views.by_checks, name="by_checks"),
    path("breakdown/outputs/", output_views.outputs, name="outputs"),
    path("breakdown/comparison/", comparison_views.comparison, name="comparison"),
    path("breakdown/comparison/slices/", fragment_views.concentration, name="concentration"),
    path("breakdown/comparison/steps/", fragment_views.transitions, name="transitions"),
    path("breakdown/comparison/steps/outputs/", fragment_views.transition_outputs, name="transition_outputs"),
    path("breakdown/report/", report_views.report, name="report"),
    path("breakdown/report.json", report_views.report_json, name="report_json"),
    path("breakdown/report.pdf", report_views.report_pdf, name="report_pdf"),
    path("breakdown/summary/", breakdown_views.summary, name="summary"),
    path("outputs/<int:pk>/verdict/", meaning_views.output_verdict, name="output_verdict"),
]
