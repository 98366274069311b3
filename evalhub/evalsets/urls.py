from django.urls import path

from evalhub.evalsets.views import corrections, draws, eval_sets, samples, uploads, versions

app_name = "evalsets"
urlpatterns = [
    path("samples/", samples.list_samples, name="samples"),
    path("samples/upload/", uploads.upload_samples, name="upload_samples"),
    path("samples/<int:pk>/", samples.show_sample, name="sample"),
    path("evalsets/", eval_sets.list_eval_sets, name="list"),
    path("evalsets/new/", eval_sets.new_eval_set, name="new"),
    path("evalsets/summary/", eval_sets.summary, name="summary"),
    path("evalsets/<int:pk>/", eval_sets.show_eval_set, name="show"),
    path("evalsets/<int:pk>/edit/", eval_sets.edit_eval_set, name="edit"),
    path("evalsets/<int:pk>/upload/", uploads.upload_examples, name="upload_examples"),
    path("evalsets/<int:pk>/draw/", draws.draw, name="draw"),
    path("evalsets/<int:pk>/corrections/", corrections.list_corrections, name="corrections"),
    path("evalsets/<int:pk>/corrections/accept/", corrections.accept_corrections, name="accept_corrections"),
    path("evalsets/corrections/<int:pk>/refuse/", corrections.refuse_correction, name="refuse_correction"),
    path("review/corrections/", corrections.list_own_corrections, name="own_corrections"),
    path("review/corrections/summary/", corrections.corrections_summary, name="corrections_summary"),
    path("review/corrections/<int:pk>/withdraw/", corrections.withdraw_correction, name="withdraw_correction"),
    path("evalsets/<int:pk>/compare/", eval_sets.compare_versions, name="compare"),
    path("evalsets/versions/<int:pk>/", versions.show_version, name="version"),
    path("evalsets/versions/<int:pk>/publish/", versions.publish_version, name="publish"),
    path("evalsets/versions/<int:pk>/delete/", versions.delete_version, name="delete"),
    path("evalsets/versions/<int:pk>/download/", versions.download_version, name="download"),
    path("evalsets/examples/<int:pk>/", versions.show_example, name="example"),
    path("uploads/<int:pk>/", uploads.show_upload, name="upload"),
    path("uploads/<int:pk>/map/", uploads.map_upload, name="map"),
    path("uploads/<int:pk>/map-again/", uploads.map_upload_again, name="map_again"),
    path("uploads/<int:pk>/confirm/", uploads.confirm_upload, name="confirm"),
    path("uploads/<int:pk>/cancel/", uploads.cancel_upload, name="cancel"),
]
