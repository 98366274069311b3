from django.urls import path

from evalhub.runs import carry_views, list_views, output_views, start_views, views

app_name = "runs"
urlpatterns = [
    path("runs/", list_views.list_runs, name="list"),
    path("runs/new/", start_views.new, name="new"),
    path("runs/upload/", views.upload, name="upload"),
    path("runs/summary/", list_views.summary, name="summary"),
    path("runs/moving/", list_views.moving, name="moving"),
    path("runs/<int:pk>/", views.show, name="show"),
    path("runs/<int:pk>/progress/", views.progress, name="progress"),
    path("runs/<int:pk>/pause/", views.pause, name="pause"),
    path("runs/<int:pk>/resume/", views.resume, name="resume"),
    path("runs/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("runs/<int:pk>/retry/", views.retry, name="retry"),
    path("runs/<int:pk>/raise/", views.raise_and_resume, name="raise"),
    path("runs/<int:pk>/take-over/", carry_views.take_over, name="take_over"),
    path("runs/<int:pk>/outputs/", output_views.list_outputs, name="outputs"),
    path("outputs/<int:pk>/", output_views.show_output, name="output"),
]
