// Everything reads without this module. It refreshes the page, filters while
// one types, and reads values off the charts.

const REFRESH_SECONDS = 15;
const TYPING_MS = 180;
const FIELD = "input, select, textarea";
const filter = document.querySelector("[data-filter]");
const stale = document.getElementById("stale");
let running = null;
let loadedAt = Date.now();
let typedAt = 0;
let has = { url: "", tag: "" };

// ---- Refresh: fetch the page and swap its live parts; a report stays as it was made ------------

async function load(url) {
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const headers = { Accept: "text/html", "X-Refresh": "1" };
    if (has.tag && has.url === url) headers["If-None-Match"] = has.tag;
    const answer = await fetch(url, { signal: mine.signal, headers });
    if (!answer.ok && answer.status !== 304) throw new Error(`The server answered ${answer.status}`, { cause: answer.status });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
    if (answer.status === 304) tick(new Date(answer.headers.get("Date") ?? Date.now()));
    else swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    has = { url, tag: answer.headers.get("ETag") ?? "" };
    loadedAt = Date.now();
    stale.hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    const minutes = Math.round((Date.now() - loadedAt) / 60000);
    const reason = error.cause ? error.message : "No answer from the server";
    stale.textContent = `${reason}; these numbers are ${minutes} min old.`;
    stale.hidden = false;
  } finally {
    if (running === mine) running = null;
  }
}

function swap(fresh) {
  // An empty page that got its first SLOs has other parts: take it whole.
  if (!fresh.querySelector("[data-filter]") !== !filter) return location.reload();
  document.title = fresh.title;
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (!next || next.innerHTML === old.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? twinOf(document.activeElement, old, next) : null;
    for (const open of old.querySelectorAll("details[open]")) {
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    const cursors = [...old.querySelectorAll("[data-chart]")].map((chart) => chart.dataset.at);
    const fields = [...old.querySelectorAll(FIELD)].filter(touched);
    for (const field of fields) keep(field, twinOf(field, old, next));
    old.replaceWith(next);
    next.querySelectorAll("[data-chart]").forEach((chart, i) => cursors[i] && readAt(chart, Number(cursors[i])));
    focused?.focus({ preventScroll: true });
  }
}

// A field is found again by its name, as parts around it come and go; all else by its place.
function twinOf(element, old, next) {
  if (!element.name) return follow(next, pathTo(old, element));
  const alike = `[name="${CSS.escape(element.name)}"]`;
  return next.querySelectorAll(alike)[[...old.querySelectorAll(alike)].indexOf(element)];
}

function touched(field) {
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  return field.value !== field.defaultValue || Boolean(field.checked) !== Boolean(field.defaultChecked);
}

function keep(field, twin) {
  if (twin?.type !== field.type) return;
  if (field.options && ![...twin.options].some((option) => option.value === field.value)) return;
  twin.value = field.value;
  twin.checked = field.checked;
}

// Nothing changed but the time, which the page then tells by itself.
function tick(now) {
  const [ended, clock] = document.querySelectorAll("#cycle [data-clock]");
  if (!clock) return;
  const seconds = Math.max(0, Math.round((now - new Date(ended.dateTime)) / 1000));
  const [unit, size] = [["d", 86400], ["h", 3600], ["min", 60]].find(([, n]) => seconds >= 2 * n) ?? ["s", 1];
  ended.textContent = `cycle ${Math.round(seconds / size)}\u202f${unit} ago`;
  clock.textContent = `${now.toISOString().slice(11, 16)} UTC`;
}

function pathTo(root, element) {
  const path = [];
  for (let at = element; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

function follow(root, path) {
  return path.reduce((at, index) => at?.children[index], root);
}

function refresh() {
  const selecting = !document.getSelection().isCollapsed;
  const still = document.querySelector("[data-still]");
  const typing = Date.now() - typedAt < REFRESH_SECONDS * 1000;
  if (!document.hidden && !selecting && !typing && !running && !brush && !still) load(location.href);
}
// A date that is half typed has no value yet that could be carried over.
for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest?.(FIELD)?.closest("[data-live]")) typedAt = Date.now();
  });
}
setInterval(refresh, REFRESH_SECONDS * 1000);
document.addEventListener("visibilitychange", () => {
  if (Date.now() - loadedAt > REFRESH_SECONDS * 1000) refresh();
});

// On a phone the pages' words stand in one row that scrolls: the open page's must be in sight.
const menu = document.querySelector(".bar nav");
const here = menu?.querySelector("[aria-current]");
if (here) menu.scrollLeft = here.offsetLeft + here.offsetWidth + 48 - menu.offsetLeft - menu.clientWidth;

// ---- Filter: the server filters, so a link to the result is the result ---------

if (filter) {
  let timer;
  const apply = () => {
    const said = [...new FormData(filter)].filter(([name, value]) => value && !(name === "sort" && value === "attention"));
    const query = new URLSearchParams(said);
    const url = query.size ? `/?${query}` : "/";
    history.replaceState(null, "", url);
    load(url);
  };
  filter.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(apply, event.target.type === "search" ? TYPING_MS : 0);
  });
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    apply();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      filter.elements.q.focus();
    }
  });
}

// ---- Charts: one cursor for all that share an axis, read from their own tables; drag zooms ----

const rowsKnown = new WeakMap();
let brush = null;

function rowsOf(chart) {
  if (!rowsKnown.has(chart)) rowsKnown.set(chart, [...chart.querySelectorAll("tbody tr[data-at]")]);
  return rowsKnown.get(chart);
}

function axisOf(chart) {
  const group = chart.closest("[data-axis]");
  return group ? [...group.querySelectorAll("[data-chart]")] : [chart];
}

function spanOf(chart) {
  const { from, to } = chart.querySelector("[data-from]").dataset;
  return [Number(from), Number(to)];
}

function placeOf(rows, at) {
  let low = 0, high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(rows[middle].dataset.at) >= at) high = middle;
    else low = middle + 1;
  }
  return low;
}

function readAt(chart, at) {
  const rows = rowsOf(chart);
  if (!chart.querySelector(".field") || !rows.length) return;
  const row = rows[placeOf(rows, at)];
  const names = [...row.closest("table").tHead.rows[0].cells].map((cell) => cell.textContent);
  const values = [...row.cells].slice(1).map((cell, i) => (row.cells.length > 2 ? `${names[i + 1]} ` : "") + cell.textContent);
  const [first, last] = spanOf(chart);
  const x = ((Number(row.dataset.at) - first) / (last - first)) * 1000;
  const cursor = chart.querySelector(".cursor");
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.setAttribute("visibility", "visible");
  chart.querySelector(".readout").textContent = `${row.cells[0].textContent} · ${values.join(" · ")}`;
  chart.dataset.at = row.dataset.at;
}

function readAll(chart, at) {
  for (const other of axisOf(chart)) readAt(other, at);
}

function clearAll(chart) {
  for (const other of axisOf(chart)) {
    other.querySelector(".cursor")?.setAttribute("visibility", "hidden");
    other.querySelector(".readout").textContent = "";
    delete other.dataset.at;
  }
}

function timeAt(field, x) {
  const box = field.getBoundingClientRect();
  const [from, to] = spanOf(field.closest("[data-chart]"));
  return Math.round(from + Math.max(0, Math.min(1, (x - box.left) / box.width)) * (to - from));
}

function drawBrush() {
  const [from, to] = spanOf(brush.chart);
  const share = (at) => ((at - from) / (to - from)) * 100;
  const [left, right] = [brush.from, brush.to].sort((a, b) => a - b);
  for (const other of axisOf(brush.chart)) {
    const field = other.querySelector(".field");
    if (!field) continue;
    let box = field.querySelector(".brush");
    if (!box) field.append((box = Object.assign(document.createElement("div"), { className: "brush" })));
    box.style.left = `${share(left)}%`;
    box.style.width = `${share(right) - share(left)}%`;
  }
}

function dropBrush() {
  if (brush) for (const other of axisOf(brush.chart)) other.querySelector(".brush")?.remove();
  brush = null;
}

function zoom() {
  const [from, to] = [brush.from, brush.to].sort((a, b) => a - b).map((at) => new Date(at * 1000).toISOString().slice(0, 19) + "Z");
  const chosen = brush.chart.closest("[data-axis]");
  dropBrush();
  if (!chosen || from === to) return;
  const url = new URL(location.href);
  url.searchParams.delete("range");
  url.searchParams.set("from", from);
  url.searchParams.set("to", to);
  location.assign(url);
}

document.addEventListener("pointerdown", (event) => {
  const field = event.target.closest?.(".field");
  if (!field || event.button !== 0 || event.target.closest("a")) return;
  // A finger reads values where it taps; where it drags, it scrolls.
  if (event.pointerType === "touch") return readAll(field.closest("[data-chart]"), timeAt(field, event.clientX));
  if (!field.closest("[data-axis]")) return;
  dropBrush();
  const at = timeAt(field, event.clientX);
  brush = { chart: field.closest("[data-chart]"), from: at, to: at, x: event.clientX, drawn: false };
});
document.addEventListener("pointermove", (event) => {
  if (brush && brush.x !== undefined) {
    brush.to = timeAt(brush.chart.querySelector(".field"), event.clientX);
    brush.drawn ||= Math.abs(event.clientX - brush.x) > 5;
    if (brush.drawn) drawBrush();
  }
  const field = event.target.closest?.(".field");
  if (field) readAll(field.closest("[data-chart]"), timeAt(field, event.clientX));
});
document.addEventListener("pointerup", () => {
  if (brush?.x === undefined) return;
  if (brush.drawn) zoom();
  else dropBrush();
});
document.addEventListener("pointerout", (event) => {
  if (event.pointerType === "touch") return;
  const field = event.target.closest?.(".field");
  if (field && !field.contains(event.relatedTarget) && field !== document.activeElement) clearAll(field.closest("[data-chart]"));
});
document.addEventListener("focusout", (event) => {
  const field = event.target.closest?.(".field");
  if (!field?.isConnected || field.contains(event.relatedTarget)) return;
  dropBrush();
  clearAll(field.closest("[data-chart]"));
});
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".field");
  if (!field) return;
  const chart = field.closest("[data-chart]");
  const rows = rowsOf(chart);
  const now = chart.dataset.at === undefined ? rows.length : placeOf(rows, Number(chart.dataset.at));
  const page = Math.max(1, Math.round(rows.length / 12));
  const target = {
    ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - page, PageDown: now + page,
    Home: 0, End: rows.length - 1,
  }[event.key];
  if (event.key === "Escape") {
    dropBrush();
    clearAll(chart);
  }
  if (event.key === "Enter" && brush) zoom();
  if (target === undefined || !rows.length) return;
  event.preventDefault();
  const at = Number(rows[Math.max(0, Math.min(rows.length - 1, target))].dataset.at);
  if (event.shiftKey) {
    brush ??= { chart, from: Number(chart.dataset.at ?? at), to: at };
    brush.to = at;
    drawBrush();
  } else dropBrush();
  readAll(chart, at);
});
