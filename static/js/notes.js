"use strict";
// The board of notes: choosing many at once. Without this script each is ticked, and everything else is a plain form.

let lastChosen = null;  // the id of the note that was ticked last: where a range begins

const boxes = () => [...document.querySelectorAll("#board input[name=notes]")];
const tellChosen = () => {
  const place = document.querySelector("#board [data-chosen]");
  const count = boxes().filter((box) => box.checked).length;
  if (place) place.textContent = count === 0 ? "chosen notes" : count === 1 ? "1 note" : `${count} notes`;
};
const showControls = () => {
  for (const control of document.querySelectorAll("#board [data-choose-all]")) control.hidden = false;
  tellChosen();
};
const choose = (box, isChosen) => { box.checked = isChosen; };

document.addEventListener("click", (event) => {
  const box = event.target.closest("#board input[name=notes]");
  if (box) {
    const all = boxes(), start = all.findIndex((each) => each.id === lastChosen), end = all.indexOf(box);
    // With shift, all from the one ticked before to this one are as this one is now.
    if (event.shiftKey && start >= 0) all.slice(Math.min(start, end), Math.max(start, end) + 1).forEach((each) => choose(each, box.checked));
    lastChosen = box.id;
    tellChosen();
    return;
  }
  if (event.target.closest("#board [data-choose-all]")) {
    const all = boxes(), isChosen = !all.every((each) => each.checked);
    all.forEach((each) => choose(each, isChosen));
    tellChosen();
  }
});
// A shift-click on the text of a note would mark text instead.
document.addEventListener("mousedown", (event) => { if (event.shiftKey && event.target.closest("#board .note-choice")) event.preventDefault(); });

// j and k walk through the notes, x ticks the one that has the focus; with shift, all from the one ticked before.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keysAreOn() || isTyping(event.target)) return;
  const all = boxes(), here = all.indexOf(document.activeElement);
  if (!all.length) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") {
    event.preventDefault();
    const next = all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + (key === "j" ? 1 : -1)))];
    next.focus();
    next.closest(".note").scrollIntoView({ block: "nearest" });
  } else if (key === "x" && here >= 0) {
    event.preventDefault();
    all[here].dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  }
});

// After notes were put away the walk goes on where it was.
let placeOfFocus = -1;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "board") return;
  const all = boxes();
  const first = all.findIndex((box) => box.checked);
  placeOfFocus = document.activeElement?.id === "group-name" ? -1 : first;
});
document.addEventListener("htmx:afterSettle", () => {
  showControls();
  const all = boxes();
  if (placeOfFocus >= 0 && all.length) all[Math.min(placeOfFocus, all.length - 1)].focus({ preventScroll: true });
  placeOfFocus = -1;
});
document.addEventListener("DOMContentLoaded", showControls);
