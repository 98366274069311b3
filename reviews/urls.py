from django.urls import path

from reviews import views

app_name = "reviews"
urlpatterns = [
    path("review/", views.home, name="home"),
    path("review/summary/", views.summary, name="summary"),
    path("review/new/", views.new_round, name="new"),
    path("review/rounds/<int:pk>/", views.show_round, name="round"),
    path("review/rounds/<int:pk>/change/", views.change_round, name="change_round"),
    path("review/rounds/<int:pk>/desk/", views.desk, name="desk"),
    path("review/items/<int:pk>/", views.show_own, name="item"),
    path("review/items/<int:pk>/label/", views.label, name="label"),
    path("review/items/<int:pk>/undo/", views.undo, name="undo"),
]
