from django.urls import path

from evalhub.exports import views

app_name = "exports"
urlpatterns = [
    path("exports/", views.list_exports, name="list"),
    path("exports/new/", views.new, name="new"),
    path("exports/<int:pk>/download/", views.download, name="download"),
    path("exports/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("exports/<int:pk>/throw-away/", views.throw, name="throw_away"),
]
