"use strict";
// Everything works without this file; it adds keys, a moment to undo, live counts and marks.

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function typing(element) {
  return element.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");
}

// --- undo: a verdict waits a moment before it is sent ---
const undo = { bar: one("#undo"), form: null, button: null, timer: 0 };

function tellUndo(seconds) {
  const what = undo.button.textContent.replace(/\s+/g, " ").trim();
  one("#undo-text").textContent = undo.bar.dataset.text.replace("§", seconds) + what;
}

function sendNow() {
  const { form, button } = undo;
  stopUndo();
  form.dataset.sending = "";
  form.requestSubmit(button);
}

function stopUndo() {
  clearInterval(undo.timer);
  undo.bar.hidden = true;
  undo.form = null;
}

function takeBack() {
  const button = undo.button;
  stopUndo();
  const note = one("#ruling") || one(".decide");
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  told.textContent = undo.bar.dataset.undone;
  note.after(told);
  setTimeout(() => told.remove(), 4000);
  button.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("undo" in form.dataset) || !undo.bar) return;
  if ("sending" in form.dataset) {
    setTimeout(() => all("button", form).forEach((button) => { button.disabled = true; }));
    return;
  }
  event.preventDefault();
  if (undo.form) return;
  undo.form = form;
  undo.button = event.submitter || one("button", form);
  let seconds = Number(undo.bar.dataset.seconds);
  tellUndo(seconds);
  undo.bar.hidden = false;
  one("#undo-now").focus();
  undo.timer = setInterval(() => {
    seconds -= 1;
    if (seconds > 0) tellUndo(seconds);
    else sendNow();
  }, 1000);
});

// leaving the page would lose what is not sent yet
window.addEventListener("beforeunload", (event) => { if (undo.form) event.preventDefault(); });

if (undo.bar) {
  one("#undo-now").addEventListener("click", sendNow);
  one("#undo-back").addEventListener("click", takeBack);
}

// --- shortcut keys ---
const enabled = one("#keys-enabled");
if (enabled) {
  enabled.checked = localStorage.getItem("keys") !== "off";
  enabled.addEventListener("change", () => localStorage.setItem("keys", enabled.checked ? "on" : "off"));
}

function move(by) {
  const links = all(".queue .open");
  const at = links.indexOf(document.activeElement);
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  if (next) next.focus();
}

function keyOf(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const name = digit ? digit[1] : event.key.toLowerCase();
  return digit && event.shiftKey ? `Shift+${name}` : name;
}

function act(target) {
  if (typing(target)) target.focus();
  else { target.focus(); target.click(); }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (undo.form) takeBack();
    else document.activeElement.blur();
    return;
  }
  if (undo.form || !enabled || !enabled.checked || typing(document.activeElement)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const key = keyOf(event);
  if (key === "?") { const keys = one("#keys"); keys.open = true; one("summary", keys).focus(); }
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else {
    const target = one(`[data-key="${CSS.escape(key)}"]:not([disabled]):not([hidden])`);
    if (!target) return;
    act(target);
  }
  event.preventDefault();
});

// --- the words at issue: what is selected in the post, or else what is marked, one after another ---
function wordsOf(part) {
  all("sup, .hides", part).forEach((mark) => mark.remove());
  return part.textContent.trim();
}

const quote = one("#use-selection");
if (quote) {
  quote.hidden = false;
  let selected = "";
  let marked = 0;
  const remember = () => {
    const selection = getSelection();
    const within = selection.anchorNode && selection.anchorNode.parentElement.closest("[data-field]");
    if (!within || selection.isCollapsed) return;
    selected = wordsOf(selection.getRangeAt(0).cloneContents());
  };
  const nextMarked = () => {
    const found = all("[data-field] mark");
    return found.length ? wordsOf(found[marked++ % found.length].cloneNode(true)) : "";
  };
  // a click on the button may take the selection away
  document.addEventListener("selectionchange", remember);
  quote.addEventListener("click", () => {
    remember();
    const field = one("#sentence");
    const words = selected || nextMarked();
    selected = "";
    if (words) field.value = words.slice(0, field.maxLength);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

// --- which decisions are permitted by what is filled in so far ---
const form = one("form[data-permitted]");
if (form) {
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.permitted, { method: "POST", body });
    if (!answer.ok || answer.redirected || mine !== asked) return;
    const { steps, caps } = await answer.json();
    const told = [];
    for (const button of all("button[name=step]", form)) {
      button.disabled = !(button.value in steps);
      one(".days", button).textContent = steps[button.value] ? ` ${steps[button.value]}` : "";
      if (!button.disabled) told.push(button.firstChild.textContent.trim());
    }
    const held = caps.length ? `　${form.dataset.caps}${caps.join("；")}` : "";
    one("#ruling").textContent = form.dataset.says + told.join(" · ") + held;
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 250); });
  ask();
}

// --- counts ---
const counts = one("[data-counts]");
if (counts) {
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(counts.dataset.counts);
    if (!answer.ok || answer.redirected) return;
    const found = await answer.json();
    for (const place of all("[data-count]", counts)) {
      const told = String(found[place.dataset.count]);
      if (place.textContent !== told) place.textContent = told;
    }
  }, 15000);
}

// --- marks that were still being found when the page was made ---
async function marks() {
  const post = one("[data-pending]");
  if (!post) return;
  const answer = await fetch(post.dataset.pending);
  if (!answer.ok || answer.redirected) return;
  if (answer.status === 204) {
    setTimeout(marks, 800);
    return;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  post.replaceWith(document.adoptNode(one("#post", found)));
}
setTimeout(marks, 600);

// --- figures that were still being counted when the page was made ---
const counted = one("[data-reload]");
if (counted) setTimeout(() => location.replace(counted.dataset.reload), 1500);
