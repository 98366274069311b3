"use strict";
// The desk: the next item is there before it is asked for, and what is typed is kept. Without this script the same is
// done by plain forms. What is shown is always one element, #desk; others are kept beside the page, as they were left.

const SAVE_AFTER = 600;
const READY_FOR = 10 * 60 * 1000;  // the server holds an item for 15 minutes
const DOUBLE_CLICK = 700;

let ahead = null;  // {desk, since}: the desk that is held ready
let behind = null;  // the desk whose label is on its way, while the next one is shown
let pending = Promise.resolve();
let draftTimer = 0;
let shownSince = 0;
const places = new WeakMap();  // how far down a desk was read

const shownDesk = () => document.getElementById("desk");
const formOf = (desk) => desk.querySelector("form[data-labels]");
const noteOf = (desk) => desk.querySelector("[name=note]");

// What is posted. The expected answer as it was filled in, and left, is no correction.
const saidIn = (form) => {
  const body = new URLSearchParams(new FormData(form)), correction = form.querySelector("[name=correction]");
  if (correction?.dataset.expected && correction.value.trim() === correction.dataset.expected.trim()) body.set("correction", "");
  return body;
};

// ---- asking

const newestToken = () => {
  const start = `${document.body.dataset.csrfCookie}=`;
  return document.cookie.split("; ").find((cookie) => cookie.startsWith(start))?.slice(start.length);
};
const ask = (url, body) => {
  const headers = { "HX-Request": "true" };
  if (!body) return fetch(url, { headers, credentials: "same-origin" });
  const token = newestToken();  // a sign-in in another tab brought a new one
  if (token) { headers["X-CSRFToken"] = token; body.set("csrfmiddlewaretoken", token); }
  // What is on its way when the page goes arrives all the same; browsers do that for small ones only.
  return fetch(url, { method: "POST", headers, body, credentials: "same-origin", keepalive: body.toString().length < 50_000 });
};
const partsOf = async (answer) => {
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { desk: found.getElementById("desk"), messages: found.querySelector("[hx-swap-oob]") };
};
const tell = (messages) => {
  const place = document.getElementById("messages");
  place.replaceChildren(...(messages?.childNodes ?? []));
  const shown = [...place.children].filter((message) => !message.matches(".message-error"));
  setTimeout(() => shown.forEach((message) => message.remove()), 6000);
};

// ---- showing

const show = (desk) => {
  const old = shownDesk();
  places.set(old, window.scrollY);
  old.replaceWith(desk);
  if (!desk.dataset.isProcessed) { desk.dataset.isProcessed = "1"; htmx.process(desk); }
  if (desk.dataset.url && location.pathname !== desk.dataset.url) history.replaceState(null, "", desk.dataset.url);
  fillCorrection(desk);
  window.scrollTo(0, places.get(desk) ?? 0);
  const first = desk.querySelector("[autofocus]") ?? desk.querySelector("h1");
  first.focus({ preventScroll: first.matches("h1") });
  shownSince = performance.now();
  holdNextReady();
};
const letAnswer = (desk, may) => {
  if (may) delete desk.dataset.sent; else desk.dataset.sent = "1";
  for (const button of desk.querySelectorAll(".desk-buttons button")) button.disabled = !may;
};

// ---- the next item, held ready

const holdNextReady = () => (window.requestIdleCallback ?? ((job) => setTimeout(job, 100)))(fetchNext, { timeout: 500 });
const fetchNext = async () => {
  const desk = shownDesk();
  if (!desk?.dataset.following || ahead || behind || desk.dataset.asksNext) return;
  desk.dataset.asksNext = "1";
  try {
    const answer = await ask(desk.dataset.following);
    const next = answer.status === 200 ? (await partsOf(answer)).desk : null;
    if (next?.dataset.item && shownDesk() === desk && !ahead && !desk.dataset.sent) ahead = { desk: next, since: Date.now() };
  } catch { /* without it the next item comes with the answer to the label */ }
  finally { delete desk.dataset.asksNext; }
};
const takeAhead = () => {
  const next = ahead && Date.now() - ahead.since < READY_FOR ? ahead.desk : null;
  if (ahead && !next) keepDraft(ahead.desk);
  ahead = null;
  return next;
};
// Whether the server will hardly refuse: else the next item would be shown and taken away again.
const isSure = (form, outcome) => {
  const said = saidIn(form), says = (name) => (said.get(name) ?? "").trim() !== "";
  if (says("saw_label") || says("correction")) return false;
  if (outcome === "fail") return said.has("error_types") || says("note");
  return !said.has("error_types") && !says("severity") && !says("failing_step") && !["model", "infrastructure"].includes(said.get("fault"));
};

// ---- sending

const send = async (form, button) => {
  const desk = shownDesk();
  if (desk.dataset.sent) return;
  letAnswer(desk, false);
  await pending;  // labels arrive one after the other
  if (shownDesk() !== desk) { letAnswer(desk, true); return; }  // the one before came back
  pending = deliver(desk, form, button);
  await pending;
};
const deliver = async (desk, form, button) => {
  clearTimeout(draftTimer);
  const body = saidIn(form), labels = form === formOf(desk);
  if (button?.name) body.set(button.name, button.value);
  const next = labels && isSure(form, button?.value) ? takeAhead() : null;
  document.getElementById("messages").replaceChildren();
  // What the answer shows may have been begun already: that is in it only if the server has it.
  if (!next) await Promise.all([labels || keepDraft(desk), ahead && keepDraft(ahead.desk)]);
  if (next) { body.set("ahead", next.dataset.item); behind = desk; show(next); }
  try {
    const answer = await ask(form.action, body);
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) { delete desk.dataset.isDirty; location.assign(elsewhere); return; }
    if (![200, 422].includes(answer.status)) { comeBack(desk, next, sentenceFor(answer.status)); return; }
    receive(desk, next, answer.status, await partsOf(answer));
  } catch { comeBack(desk, next, UNREACHABLE); }
  finally { behind = null; holdNextReady(); }
};
const receive = (desk, next, status, parts) => {
  fault("");
  tell(parts.messages);
  delete desk.dataset.isDirty;
  const arrived = parts.desk;
  if (status === 422) {
    // What was typed into the next one meanwhile stays with it.
    if (next) ahead = { desk: next, since: Date.now() };
    places.set(arrived, places.get(desk) ?? window.scrollY);
    show(arrived);
  } else if (next) ahead = arrived.dataset.item ? { desk: arrived, since: Date.now() } : null;
  else {
    ahead = null;  // what follows the one that came may be another
    show(arrived);
  }
};
const comeBack = (desk, next, sentence) => {
  letAnswer(desk, true);
  if (next) { ahead = { desk: next, since: Date.now() }; show(desk); }
  desk.dataset.isDirty = "1";
  fault(sentence);
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("#desk form[data-sends]");
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  send(form, event.submitter);
});
// The second half of a double click meets the next item, which nobody has read yet.
document.addEventListener("click", (event) => {
  const isSecond = event.detail > 1 && performance.now() - shownSince < DOUBLE_CLICK;
  if (isSecond && event.target.closest("#desk .desk-buttons button")) { event.preventDefault(); event.stopPropagation(); }
}, true);

// ---- drafts

const say = (desk, sentence) => {
  const place = desk.querySelector("#draft-word");
  if (place && place.textContent !== sentence) place.textContent = sentence;
};
const keepDraft = async (desk) => {
  if (!desk?.dataset.isDirty || !desk.dataset.draft) return;
  delete desk.dataset.isDirty;
  try {
    const answer = await ask(desk.dataset.draft, saidIn(formOf(desk)));
    if (!answer.ok) throw new Error(answer.statusText);
    if (answer.status === 204) say(desk, "Draft saved");
  } catch {
    desk.dataset.isDirty = "1";
    say(desk, "Draft not saved yet");
  }
};
const typed = (event) => {
  const desk = event.target.closest("#desk");
  if (!desk || event.target.closest("form") !== formOf(desk)) return;
  desk.dataset.isDirty = "1";
  clearTimeout(draftTimer);
  draftTimer = setTimeout(() => keepDraft(desk), SAVE_AFTER);
};
document.addEventListener("input", typed);
document.addEventListener("change", typed);
const keepAllDrafts = () => Promise.all([shownDesk(), behind, ahead?.desk].map(keepDraft));
// A page within EvalHub is asked for when the draft has arrived, since it may show it.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || link.target || link.hash || !isPlain || event.defaultPrevented) return;
  if (![shownDesk(), ahead?.desk].some((desk) => desk?.dataset.isDirty)) return;
  event.preventDefault();
  await Promise.race([keepAllDrafts(), new Promise((resolve) => { setTimeout(resolve, 1500); })]);
  location.assign(link.href);
});
window.addEventListener("beforeunload", keepAllDrafts);
window.addEventListener("pagehide", () => {
  keepAllDrafts();
  // Somebody else may read what was only held ready.
  if (ahead && !ahead.desk.dataset.isDirty && noteOf(ahead.desk)?.value === "") ask(ahead.desk.dataset.leave, new URLSearchParams());
  ahead = null;
});

// ---- small manners

// What a key or a click unfolds for typing is ready to be typed into.
document.addEventListener("click", (event) => {
  const fold = event.target.closest("#desk :is(#defer, #say-more) > summary")?.parentElement;
  if (fold) setTimeout(() => { if (fold.open) fold.querySelector("input:not([type=hidden]), select").focus(); });
});
// Who says that the expected answer is wrong changes it where it is wrong, and does not write it anew.
const fillCorrection = (desk) => {
  const correction = desk.querySelector("[name=correction]");
  if (!correction || desk.querySelector("[name=fault]").value !== "expected") return;
  if (!correction.value) correction.value = correction.dataset.expected ?? "";
  correction.rows = Math.min(12, Math.max(3, correction.value.split("\n").length));
};
document.addEventListener("change", (event) => {
  const field = event.target.closest("#desk [name=fault]");
  if (!field) return;
  fillCorrection(shownDesk());
  if (field.value === "expected") shownDesk().querySelector(".say-correction").scrollIntoView({ block: "nearest" });
});
document.addEventListener("DOMContentLoaded", () => { fillCorrection(shownDesk()); shownSince = performance.now(); holdNextReady(); });
