from django.contrib.auth.decorators import login_not_required
from django.urls import path

from evalhub.web import views

app_name = "web"
urlpatterns = [
    path("health/", login_not_required(views.health), name="health"),
]
