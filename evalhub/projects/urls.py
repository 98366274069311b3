from django.contrib.auth.decorators import login_not_required
from django.urls import path

from evalhub.projects import key_views, views

app_name = "projects"
urlpatterns = [
    path("", views.list_projects, name="list"),
    path("sign-in/", login_not_required(views.sign_in), name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("account/", views.account, name="account"),
    path("projects/new/", views.new_project, name="new"),
    path("join/<str:token>/", views.join, name="join"),
    path("p/<slug:slug>/", views.overview, name="overview"),
    path("p/<slug:slug>/settings/", views.settings, name="settings"),
    path("p/<slug:slug>/people/", views.people, name="people"),
    path("p/<slug:slug>/people/<int:pk>/role/", views.set_role, name="set_role"),
    path("p/<slug:slug>/people/<int:pk>/remove/", views.remove, name="remove"),
    path("p/<slug:slug>/people/invitations/<int:pk>/revoke/", views.revoke_invitation, name="revoke_invitation"),
    path("p/<slug:slug>/keys/", key_views.keys, name="keys"),
    path("p/<slug:slug>/keys/<int:pk>/revoke/", key_views.revoke, name="revoke_key"),
    path("p/<slug:slug>/history/", views.history, name="history"),
]
