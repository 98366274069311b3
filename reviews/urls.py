from django.urls import path

from reviews import (
    agreement_views,
    answer_views,
    calibration_views,
    desk_views,
    home_views,
    making_views,
    notice_views,
    reading_views,
    round_views,
)

app_name = "reviews"
urlpatterns = [
    path("review/", home_views.home, name="home"),
    path("review/summary/", home_views.summary, name="summary"),
    path("review/new/", making_views.new_round, name="new"),
    path("review/rounds/<int:pk>/", round_views.show_round, name="round"),
    path("review/rounds/<int:pk>/change/", round_views.change_round, name="change_round"),
    path("review/rounds/<int:pk>/agreement/", agreement_views.agreement, name="agreement"),
    path("review/rounds/<int:pk>/agreement/items/", agreement_views.agreement_items, name="agreement_items"),
    path("review/rounds/<int:pk>/agreement/summary/", agreement_views.agreement_summary, name="agreement_summary"),
    path("review/rounds/<int:pk>/desk/", desk_views.desk, name="desk"),
    path("review/rounds/<int:pk>/jump/", desk_views.jump, name="jump"),
    path("review/items/<int:pk>/", desk_views.show_own, name="item"),
    path("review/items/<int:pk>/parts/<slug:part>/", reading_views.show_part, name="part"),
    path("review/items/<int:pk>/following/", desk_views.following, name="following"),
    path("review/items/<int:pk>/label/", answer_views.label, name="label"),
    path("review/items/<int:pk>/undo/", answer_views.undo, name="undo"),
    path("review/items/<int:pk>/defer/", answer_views.defer, name="defer"),
    path("review/items/<int:pk>/draft/", answer_views.draft, name="draft"),
    path("review/items/<int:pk>/leave/", answer_views.leave, name="leave"),
    path("review/known/", calibration_views.known, name="known"),
    path("review/known/outputs/<int:pk>/", calibration_views.mark, name="mark"),
    path("review/known/<int:pk>/take-back/", calibration_views.unmark, name="unmark"),
    path("review/known/people/", calibration_views.calibration, name="calibration"),
    path("review/known/mine/", calibration_views.own_calibration, name="own_calibration"),
    path("review/practice/new/", calibration_views.practice, name="practice"),
    path("review/notices/", notice_views.notices, name="notices"),
    path("review/notices/test/", notice_views.test_notice, name="test_notice"),
]
