// The editor of a postmortem saves and previews without this module. It shows the preview
// beside the text while one types, keeps what is not saved, and warns before that is left.

const DELAY_MS = 400;
const editor = document.querySelector("[data-editor]");
const { title, body, version } = editor.elements;
const pane = editor.querySelector("[data-pane]");
const shown = pane.querySelector(".prose");
const told = pane.querySelector("[data-told]");
const notice = document.getElementById("kept");
const key = `slo-postmortem-${editor.dataset.incident}`;
const saved = editor.dataset.unsaved === undefined ? text() : null;
let running = null;
let leaving = false;
let timer;

function text() {
  return JSON.stringify([title.value, body.value]);
}

// ---- Preview: the server renders, so it is what will be saved -------------------

async function preview() {
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const answer = await fetch(editor.dataset.preview, {
      method: "POST", body: new URLSearchParams(new FormData(editor)), signal: mine.signal,
    });
    const html = await answer.text();
    if (!answer.ok) throw new Error(answer.status === 400 ? html : `The server answered ${answer.status}`);
    shown.innerHTML = html;
    told.textContent = "";
  } catch (error) {
    if (error.name === "AbortError") return;
    told.textContent = error instanceof TypeError ? "No answer from the server; this preview is old." : error.message;
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(preview, DELAY_MS);
}

// ---- Drafts: what is typed stays in this browser until it is saved --------------

function keep(sent = false) {
  try {
    localStorage.setItem(key, JSON.stringify({ text: text(), version: Number(version.value), sent }));
  } catch {
    // A full or forbidden store keeps nothing; the warning on leaving stays.
  }
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(key));
    const saved = found?.sent && found.version < Number(version.value);
    if (found && (saved || found.text === text())) localStorage.removeItem(key);
    else return found;
  } catch {
    return null;
  }
  return null;
}

const before = kept();
if (before) {
  notice.hidden = false;
  notice.querySelector("[data-take]").addEventListener("click", () => {
    [title.value, body.value] = JSON.parse(before.text);
    notice.hidden = true;
    preview();
    body.focus();
  });
  notice.querySelector("[data-drop]").addEventListener("click", () => {
    localStorage.removeItem(key);
    notice.hidden = true;
    body.focus();
  });
}

editor.addEventListener("input", () => {
  keep();
  later();
});
editor.addEventListener("submit", () => {
  leaving = true;
  keep(true);
});
addEventListener("beforeunload", (event) => {
  if (!leaving && text() !== saved) event.preventDefault();
});
addEventListener("pageshow", () => (leaving = false));

editor.querySelector("button[name=preview]").hidden = true;
pane.hidden = false;
preview();
