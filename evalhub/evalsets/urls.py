from django.urls import path

app_name = "evalsets"
urlpatterns: list = []
