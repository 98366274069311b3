from django.urls import path

from reviews.agreement import views as agreement_views
from reviews.calibration import views as calibration_views
from reviews.deciding import views as deciding_views
from reviews.desk import answer_views, home_views
from reviews.desk import views as desk_views
from reviews.importing import views as import_views
from reviews.making import adding_views
from reviews.making import views as making_views
from reviews.notes import board_views, group_views, saturation_views
from reviews.notes import views as notes_views
from reviews.notices import views as notice_views
from reviews.reading import views as reading_views
from reviews.rounds import bulk_views
from reviews.rounds import views as round_views

app_name = "reviews"
urlpatterns = [
    path("review/", home_views.home, name="home"),
    path("review/summary/", home_views.summary, name="summary"),
    path("review/history/", home_views.history, name="history"),
    path("review/deferred/", home_views.deferred, name="deferred"),
    path("review/returned/", home_views.returned, name="returned"),
    path("review/new/", making_views.new_round, name="new"),
    path("review/outputs/", adding_views.review_outputs, name="review_outputs"),
    path("review/outputs/button/", adding_views.review_button, name="review_button"),
    path("review/rounds/<int:pk>/add/", adding_views.add, name="add"),
    path("review/import/", import_views.import_labels, name="import_labels"),
    path("review/rounds/<int:pk>/", round_views.show_round, name="round"),
    path("review/rounds/<int:pk>/change/", round_views.change_round, name="change_round"),
    path("review/rounds/<int:pk>/progress/", round_views.round_progress, name="round_progress"),
    path("review/rounds/<int:pk>/bulk/", bulk_views.change_items, name="bulk"),
    path("review/rounds/<int:pk>/notes/", notes_views.notes, name="notes"),
    path("review/notes/", board_views.board, name="board"),
    path("review/notes/put/", board_views.put_notes, name="put_notes"),
    path("review/notes/saturation/", saturation_views.saturation, name="saturation"),
    path("review/notes/saturation/types/<int:pk>/", saturation_views.kind_items, {"kind": "type"}, name="type_items"),
    path(
        "review/notes/saturation/groups/<int:pk>/", saturation_views.kind_items, {"kind": "group"}, name="group_items"
    ),
    path("review/notes/groups/<int:pk>/change/", group_views.change_note_group, name="change_note_group"),
    path("review/notes/groups/<int:pk>/merge/", group_views.merge_note_group, name="merge_note_group"),
    path("review/notes/groups/<int:pk>/dissolve/", group_views.dissolve_note_group, name="dissolve_note_group"),
    path("review/notes/groups/<int:pk>/turn/", group_views.turn_note_group, name="turn_note_group"),
    path("review/notes/groups/<int:pk>/take-back/", group_views.take_note_group_back, name="take_note_group_back"),
    path("review/rounds/<int:pk>/agreement/", agreement_views.agreement, name="agreement"),
    path("review/rounds/<int:pk>/agreement/items/", agreement_views.agreement_items, name="agreement_items"),
    path("review/rounds/<int:pk>/agreement/summary/", agreement_views.agreement_summary, name="agreement_summary"),
    path("review/rounds/<int:pk>/contested/", deciding_views.contested, name="contested"),
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
    path("review/items/<int:pk>/decide/", deciding_views.decide, name="decide"),
    path("review/items/<int:pk>/take-decision-back/", deciding_views.take_back, name="take_decision_back"),
    path("review/known/", calibration_views.known, name="known"),
    path("review/known/outputs/<int:pk>/", calibration_views.mark, name="mark"),
    path("review/known/<int:pk>/take-back/", calibration_views.unmark, name="unmark"),
    path("review/known/people/", calibration_views.calibration, name="calibration"),
    path("review/known/mine/", calibration_views.own_calibration, name="own_calibration"),
    path("review/practice/new/", calibration_views.practice, name="practice"),
    path("review/notices/", notice_views.notices, name="notices"),
    path("review/notices/test/", notice_views.test_notice, name="test_notice"),
    path("review/notices/secret/", notice_views.new_webhook_secret, name="new_webhook_secret"),
]
