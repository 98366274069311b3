"use strict";
// Listeners on the document and state in attributes, so that nothing needs setting up again after a swap.

// Leaving a page breaks off what it still asks for, which is no fault. A download leaves no page, hence the time.
let isLeaving = false;
window.addEventListener("beforeunload", () => { isLeaving = true; setTimeout(() => { isLeaving = false; }, 3000); });

const fault = (sentence) => {
  if (isLeaving && sentence) return;
  const place = document.getElementById("fault");
  if (place) place.textContent = sentence;
};

const UNREACHABLE = "The server cannot be reached. What you typed is still here; try again.";
const sentenceFor = (status) => status === 401 ? "You are signed out. Sign in in another tab, then send this again: what you typed is still here."
  : status === 403 ? "You may not do this, or this page is out of date. Reload it."
  : status === 404 ? "This is not here any more. Reload the page."
  : status === 409 ? "Somebody was faster: this has changed meanwhile. Reload the page."
  : "The server could not do this. What you typed is still here; try again.";
document.addEventListener("htmx:responseError", (event) => fault(sentenceFor(event.detail.xhr.status)));
document.addEventListener("htmx:sendError", () => fault(UNREACHABLE));
document.addEventListener("htmx:timeout", () => fault("The server takes too long. What you typed is still here; try again."));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) fault(""); });

// A new sign-in, in another tab, brings a new token against forged requests: this page sends the newest one.
document.addEventListener("htmx:configRequest", (event) => {
  const name = document.body.dataset.csrfCookie;
  const token = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
  if (!token) return;
  event.detail.headers["X-CSRFToken"] = token;
  if (event.detail.verb !== "get") event.detail.parameters.csrfmiddlewaretoken = token;
});
// What was said of the last request does not hold for the next one.
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.requestConfig.verb !== "get") document.getElementById("messages").replaceChildren(); });

// Messages leave by themselves; those that tell of an error stay until the next one.
const tidyMessages = () => setTimeout(() => document.querySelectorAll(".message:not(.message-error)").forEach((m) => m.remove()), 6000);
document.addEventListener("htmx:oobAfterSwap", tidyMessages);
document.addEventListener("DOMContentLoaded", () => {
  tidyMessages();
  // On a narrow screen the menu starts closed; without this script it stays open and usable.
  if (window.matchMedia("(width < 60rem)").matches) document.querySelectorAll("[data-wide-open]").forEach((menu) => menu.removeAttribute("open"));
});

// Keys: any element may carry data-shortcut="x" and data-shortcut-name (or its own text).
const keysAreOn = () => localStorage.getItem("shortcuts") !== "off";
const isTyping = (element) => element.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog") !== null;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event.target) && !event.target.closest("dialog")) { event.target.blur(); return; }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
  if (event.key === "?") { event.preventDefault(); showShortcuts(); return; }
  if (!keysAreOn()) return;
  const target = [...document.querySelectorAll("[data-shortcut]")].find((element) => element.dataset.shortcut === event.key && !element.disabled);
  if (!target) return;
  event.preventDefault();
  if (target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) target.focus();
  else target.click();
});

// Enter in a field presses the first button of its form. Where that would decide something, an idle one stands first;
// it cannot be a disabled one, since Chromium passes over those from a checkbox.
document.addEventListener("click", (event) => { if (event.target.closest("[data-idle]")) event.preventDefault(); }, true);

const showShortcuts = () => {
  const list = document.getElementById("shortcut-list");
  list.replaceChildren();
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    const term = document.createElement("dt"), key = document.createElement("kbd"), name = document.createElement("dd");
    key.textContent = element.dataset.shortcut;
    name.textContent = element.dataset.shortcutName || element.textContent.replace(element.querySelector("kbd")?.textContent ?? "", "").trim();
    term.append(key);
    list.append(term, name);
  }
  if (!list.children.length) { const none = document.createElement("dd"); none.textContent = "This page has no keys of its own."; list.append(none); }
  document.getElementById("shortcuts-on").checked = keysAreOn();
  document.getElementById("shortcuts").showModal();
};
document.addEventListener("change", (event) => {
  if (event.target.id === "shortcuts-on") localStorage.setItem("shortcuts", event.target.checked ? "on" : "off");
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
  button.textContent = "Copied";
});

// A file that is too large is refused here already, before it travels.
document.addEventListener("change", (event) => {
  const most = Number(event.target.dataset?.mostBytes);
  if (!most) return;
  const isTooLarge = [...event.target.files].some((file) => file.size > most);
  event.target.setCustomValidity(isTooLarge ? event.target.dataset.tooLarge : "");
  event.target.reportValidity();
});
