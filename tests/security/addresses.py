"""Every address of the product: who may open it, with which methods, and which objects it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evalhub.projects.models import Role

GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")
REVIEWER, LEAD, ADMIN = Role.REVIEWER, Role.LEAD, Role.ADMIN


@dataclass(frozen=True)
class Address:
    """``objects``: argument of the address -> field of the ``World`` that holds its value; ``query``: the same.

    ``fixed``: arguments that name no object, such as a format, or count within the project of the address.
    ``reached_by``: whose object it is in the ``World``, where that matters beside the role.
    """

    role: Role = ADMIN
    methods: tuple[str, ...] = GET
    objects: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    reached_by: Role | None = None
    in_project: bool = True
    for_nobody: int = 302


def page(role: Role, methods: tuple[str, ...] = GET, pk: str = "") -> Address:
    return Address(role, methods, {"pk": pk} if pk else {})


def outside(methods: tuple[str, ...], for_nobody: int = 302, **objects: str) -> Address:
    return Address(methods=methods, in_project=False, for_nobody=for_nobody, objects=objects)


def by_key(role: Role, methods: tuple[str, ...] = GET, pk: str = "", **more: Any) -> Address:
    return Address(role, methods, {"pk": pk} if pk else {}, in_project=False, for_nobody=401, **more)


# What an API key opens: no session does, and the key opens no page.
API = {
    "api:project": by_key(REVIEWER),
    "api:eval_sets": by_key(LEAD, BOTH),
    "api:eval_set": by_key(LEAD, GET, "eval_set"),
    "api:versions": by_key(LEAD, GET, "eval_set"),
    "api:version": by_key(LEAD, GET, "version"),
    "api:publish": by_key(LEAD, POST, "version"),
    "api:uploads": by_key(LEAD, POST, query={"eval_set": "eval_set", "purpose": "upload_purpose"}),
    "api:upload": by_key(LEAD, GET, "upload"),
    "api:check_upload": by_key(LEAD, POST, "upload"),
    "api:confirm_upload": by_key(LEAD, POST, "upload"),
    "api:cancel_upload": by_key(LEAD, POST, "upload"),
    "api:candidates": by_key(LEAD),
    "api:runs": by_key(LEAD, BOTH),
    "api:run": by_key(LEAD, GET, "run"),
    "api:pause_run": by_key(LEAD, POST, "run"),
    "api:resume_run": by_key(LEAD, POST, "run"),
    "api:cancel_run": by_key(LEAD, POST, "run"),
    "api:retry_run": by_key(LEAD, POST, "run"),
    "api:run_comparison": by_key(LEAD, GET, "run", query={"baseline": "other_run"}),
    "api:run_report": by_key(LEAD, GET, "run", query={"baseline": "other_run"}),
    "api:exports": by_key(REVIEWER, POST),
    "api:export": by_key(LEAD, GET, "export", reached_by=ADMIN),
    "api:export_file": by_key(LEAD, GET, "export", reached_by=ADMIN),
}

ADDRESSES = {
    "api:openapi": outside(GET, for_nobody=200),
    "api:docs": outside(GET),
    "api:unknown": outside(GET, for_nobody=404, rest="token"),
    "web:health": outside(GET, for_nobody=200),
    "projects:list": outside(GET),
    "projects:sign_in": outside(BOTH, for_nobody=200),
    "projects:sign_out": outside(POST),
    "projects:account": outside(BOTH),
    "projects:new": outside(BOTH),
    "projects:join": outside(BOTH, for_nobody=404, token="token"),
    "projects:overview": page(REVIEWER),
    "projects:settings": page(ADMIN, BOTH),
    "projects:people": page(ADMIN, BOTH),
    "projects:set_role": page(ADMIN, POST, "member"),
    "projects:remove": page(ADMIN, POST, "member"),
    "projects:revoke_invitation": page(ADMIN, POST, "invitation"),
    "projects:keys": page(ADMIN, BOTH),
    "projects:revoke_key": page(ADMIN, POST, "api_key"),
    "projects:history": page(ADMIN),
    "exports:list": page(LEAD),
    "exports:new": page(LEAD, POST),
    "exports:download": Address(LEAD, GET, {"pk": "export"}, reached_by=ADMIN),
    "exports:cancel": Address(LEAD, POST, {"pk": "export"}, reached_by=ADMIN),
    "exports:throw_away": Address(LEAD, POST, {"pk": "export"}, reached_by=ADMIN),
    "evalsets:samples": page(LEAD),
    "evalsets:upload_samples": page(ADMIN, BOTH),
    "evalsets:sample": page(LEAD, GET, "sample"),
    "evalsets:list": page(LEAD),
    "evalsets:new": page(LEAD, BOTH),
    "evalsets:summary": page(LEAD),
    "evalsets:show": page(LEAD, GET, "eval_set"),
    "evalsets:edit": page(LEAD, BOTH, "eval_set"),
    "evalsets:upload_examples": page(LEAD, BOTH, "eval_set"),
    "evalsets:draw": page(LEAD, BOTH, "eval_set"),
    "evalsets:compare": page(LEAD, GET, "eval_set"),
    "evalsets:corrections": page(LEAD, GET, "eval_set"),
    "evalsets:accept_corrections": page(LEAD, POST, "eval_set"),
    "evalsets:refuse_correction": page(LEAD, POST, "correction"),
    "evalsets:own_corrections": page(REVIEWER),
    "evalsets:corrections_summary": page(REVIEWER),
    "evalsets:withdraw_correction": Address(REVIEWER, POST, {"pk": "correction"}, reached_by=ADMIN),
    "evalsets:version": page(LEAD, GET, "version"),
    "evalsets:publish": page(LEAD, POST, "version"),
    "evalsets:delete": page(LEAD, POST, "version"),
    "evalsets:download": page(LEAD, GET, "version"),
    "evalsets:example": page(LEAD, GET, "example"),
    "evalsets:upload": page(LEAD, GET, "upload"),
    "evalsets:map": page(LEAD, POST, "upload"),
    "evalsets:map_again": page(LEAD, POST, "upload"),
    "evalsets:confirm": page(LEAD, POST, "upload"),
    "evalsets:cancel": page(LEAD, POST, "upload"),
    "candidates:list": page(LEAD),
    "candidates:new": page(LEAD, BOTH),
    "candidates:prices": page(LEAD),
    "candidates:edit": page(LEAD, BOTH, "candidate"),
    "candidates:try": page(LEAD, BOTH, "candidate"),
    "candidates:make_baseline": page(LEAD, POST, "candidate"),
    "candidates:archive": page(LEAD, POST, "candidate"),
    "candidates:restore": page(LEAD, POST, "archived_candidate"),
    "candidates:endpoints": page(LEAD),
    "candidates:new_endpoint": page(ADMIN, BOTH),
    "candidates:edit_endpoint": page(ADMIN, BOTH, "endpoint"),
    "candidates:remove_key": page(ADMIN, POST, "endpoint"),
    "candidates:delete_endpoint": page(ADMIN, POST, "endpoint"),
    "runs:list": page(LEAD),
    "runs:new": page(LEAD, BOTH),
    "runs:upload": page(LEAD, BOTH),
    "runs:summary": page(LEAD),
    "runs:show": page(LEAD, GET, "run"),
    "runs:progress": page(LEAD, GET, "run"),
    "runs:pause": page(LEAD, POST, "run"),
    "runs:resume": page(LEAD, POST, "run"),
    "runs:cancel": page(LEAD, POST, "run"),
    "runs:retry": page(LEAD, POST, "run"),
    "runs:raise": page(LEAD, POST, "run"),
    "runs:take_over": page(LEAD, POST, "run"),
    "runs:moving": Address(LEAD, query={"run": "run"}),
    "runs:outputs": page(LEAD, GET, "run"),
    "runs:output": page(LEAD, GET, "output"),
    "checks:of_eval_set": page(LEAD, GET, "eval_set"),
    "checks:new": page(LEAD, GET, "eval_set"),
    "checks:add": Address(LEAD, BOTH, {"pk": "eval_set", "kind": "check_kind"}),
    "checks:edit": page(LEAD, BOTH, "check"),
    "checks:retire": page(LEAD, POST, "check"),
    "checks:run_scores": page(LEAD, GET, "run"),
    "checks:under_versions": page(LEAD, GET, "run"),
    "checks:earlier_runs": page(LEAD, GET, "version"),
    "checks:outputs": Address(LEAD, query={"run": "run"}),
    "checks:output_scores": page(LEAD, GET, "output"),
    "taxonomy:error_types": page(REVIEWER),
    "taxonomy:new_error_type": page(LEAD, BOTH),
    "taxonomy:order": page(LEAD, BOTH),
    "taxonomy:merge": page(LEAD, BOTH),
    "taxonomy:error_type": page(REVIEWER, GET, "error_type"),
    "taxonomy:edit_error_type": page(LEAD, BOTH, "error_type"),
    "taxonomy:move": page(LEAD, BOTH, "error_type"),
    "taxonomy:split": page(LEAD, BOTH, "error_type"),
    "taxonomy:retire": page(LEAD, BOTH, "error_type"),
    "taxonomy:restore": page(LEAD, BOTH, "retired_type"),
    "taxonomy:type_outputs": page(LEAD, GET, "error_type"),
    "taxonomy:add_example": page(LEAD, POST, "error_type"),
    "taxonomy:remove_example": page(LEAD, POST, "type_example"),
    "taxonomy:versions": page(REVIEWER),
    "taxonomy:version": Address(REVIEWER, GET, fixed={"number": 1}),
    "taxonomy:go_back": Address(LEAD, BOTH, fixed={"number": 1}),
    "taxonomy:weights": page(LEAD, BOTH),
    "taxonomy:starters": page(LEAD),
    "taxonomy:add_starter": Address(LEAD, BOTH, fixed={"name": "extraction"}),
    "taxonomy:import": page(LEAD, BOTH),
    "taxonomy:export": Address(LEAD, GET, fixed={"format": "yaml"}),
    "taxonomy:output_examples": page(LEAD, BOTH, "output"),
    "taxonomy:breakdown": page(LEAD),
    "taxonomy:mode": page(LEAD),
    "taxonomy:by_checks": page(LEAD),
    "taxonomy:outputs": Address(LEAD, query={"run": "run"}),
    "taxonomy:comparison": page(LEAD),
    "taxonomy:concentration": Address(LEAD, query={"first": "run"}),
    "taxonomy:transitions": Address(LEAD, query={"first": "run"}),
    "taxonomy:transition_outputs": Address(LEAD, query={"run": "run"}),
    "taxonomy:report": Address(LEAD, query={"first": "run", "second": "other_run"}),
    "taxonomy:report_json": Address(LEAD, query={"first": "run", "second": "other_run"}),
    "taxonomy:report_pdf": Address(LEAD, query={"first": "run", "second": "other_run"}),
    "taxonomy:summary": page(LEAD),
    "taxonomy:output_verdict": page(LEAD, GET, "output"),
    "taxonomy:meanings": page(LEAD),
    "taxonomy:meanings_of_set": page(LEAD, GET, "eval_set"),
    "taxonomy:meanings_progress": page(LEAD, GET, "eval_set"),
    "taxonomy:change_meanings": page(LEAD, BOTH, "check"),
    "reviews:home": page(REVIEWER),
    "reviews:summary": page(REVIEWER),
    "reviews:history": page(REVIEWER),
    "reviews:deferred": page(REVIEWER),
    "reviews:returned": page(REVIEWER),
    "reviews:new": page(LEAD, BOTH),
    "reviews:review_outputs": Address(LEAD, BOTH, query={"kind": "outputs_kind", "run": "run"}),
    "reviews:review_button": Address(LEAD, query={"kind": "outputs_kind", "run": "run"}),
    "reviews:add": page(LEAD, BOTH, "round"),
    "reviews:round": page(LEAD, GET, "round"),
    "reviews:change_round": page(LEAD, POST, "round"),
    "reviews:round_progress": page(LEAD, GET, "round"),
    "reviews:bulk": page(LEAD, POST, "round"),
    "reviews:notes": page(REVIEWER, GET, "round"),
    "reviews:board": page(LEAD),
    "reviews:put_notes": page(LEAD, POST),
    "reviews:saturation": page(LEAD),
    "reviews:type_items": page(LEAD, GET, "error_type"),
    "reviews:group_items": page(LEAD, GET, "note_group"),
    "reviews:change_note_group": page(LEAD, POST, "note_group"),
    "reviews:merge_note_group": page(LEAD, POST, "note_group"),
    "reviews:dissolve_note_group": page(LEAD, POST, "note_group"),
    "reviews:turn_note_group": page(LEAD, BOTH, "note_group"),
    "reviews:take_note_group_back": page(LEAD, POST, "note_group"),
    "reviews:import_labels": page(LEAD, BOTH),
    "reviews:agreement": page(LEAD, GET, "round"),
    "reviews:agreement_items": page(LEAD, GET, "round"),
    "reviews:agreement_summary": page(LEAD, GET, "round"),
    "reviews:contested": page(LEAD, GET, "round"),
    "reviews:decide": page(LEAD, BOTH, "contested_item"),
    "reviews:take_decision_back": page(LEAD, POST, "decided_item"),
    "reviews:desk": page(REVIEWER, GET, "round"),
    "reviews:item": page(REVIEWER, GET, "item"),
    "reviews:part": Address(REVIEWER, GET, {"pk": "labelled_item", "part": "item_part"}, reached_by=ADMIN),
    "reviews:label": page(REVIEWER, POST, "item"),
    "reviews:undo": page(REVIEWER, POST, "labelled_item"),
    "reviews:jump": page(REVIEWER, GET, "round"),
    "reviews:following": page(REVIEWER, GET, "item"),
    "reviews:defer": page(REVIEWER, POST, "item"),
    "reviews:draft": page(REVIEWER, POST, "item"),
    "reviews:leave": page(REVIEWER, POST, "item"),
    "reviews:known": page(LEAD),
    "reviews:mark": page(LEAD, BOTH, "output"),
    "reviews:unmark": page(LEAD, POST, "known_answer"),
    "reviews:calibration": page(LEAD),
    "reviews:own_calibration": page(REVIEWER),
    "reviews:practice": page(LEAD, BOTH),
    "reviews:notices": page(REVIEWER, BOTH),
    "reviews:test_notice": page(REVIEWER, POST),
}
