// Everything reads without this module. It refreshes the page, filters while
// one types, and reads values off the charts.

const REFRESH_SECONDS = 15;
const TYPING_MS = 180;
const filter = document.querySelector("[data-filter]");
const stale = document.getElementById("stale");
let running = null;
let loadedAt = Date.now();

// ---- Refresh: fetch the page and swap its live parts -------------------------

async function load(url) {
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}`, { cause: answer.status });
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
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
    const focused = old.contains(document.activeElement) ? pathTo(old, document.activeElement) : null;
    for (const open of old.querySelectorAll("details[open]")) {
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    const cursors = [...old.querySelectorAll("[data-chart]")].map((chart) => chart.dataset.at);
    old.replaceWith(next);
    next.querySelectorAll("[data-chart]").forEach((chart, i) => cursors[i] && readAt(chart, Number(cursors[i])));
    if (focused) follow(next, focused)?.focus({ preventScroll: true });
  }
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
  if (!document.hidden && !selecting && !running) load(location.href);
}
setInterval(refresh, REFRESH_SECONDS * 1000);
document.addEventListener("visibilitychange", () => {
  if (Date.now() - loadedAt > REFRESH_SECONDS * 1000) refresh();
});

// ---- Filter: the server filters, so a link to the result is the result ---------

if (filter) {
  let timer;
  const apply = () => {
    const query = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value && value !== "attention"));
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

// ---- Read-out: pointer or arrow keys, from the chart's own table -----------------

function rowsOf(chart) {
  return [...chart.querySelectorAll("tbody tr[data-at]")];
}

function show(chart, rows, index) {
  const place = Math.max(0, Math.min(rows.length - 1, index));
  const row = rows[place];
  if (!row) return;
  const first = Number(chart.querySelector("[data-from]").dataset.from);
  const last = Number(chart.querySelector("[data-from]").dataset.to);
  const at = Number(row.dataset.at);
  const x = ((at - first) / (last - first)) * 1000;
  const cursor = chart.querySelector(".cursor");
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.setAttribute("visibility", "visible");
  chart.querySelector(".readout").textContent = `${row.cells[0].textContent} · ${row.cells[1].textContent}`;
  chart.dataset.index = place;
  chart.dataset.at = at;
}

function clear(chart) {
  chart.querySelector(".cursor").setAttribute("visibility", "hidden");
  chart.querySelector(".readout").textContent = "";
  delete chart.dataset.index;
  delete chart.dataset.at;
}

function readAt(chart, at) {
  if (!chart.querySelector(".field")) return;
  const rows = rowsOf(chart);
  const index = rows.findIndex((row) => Number(row.dataset.at) >= at);
  show(chart, rows, index < 0 ? rows.length - 1 : index);
}

document.addEventListener("pointermove", (event) => {
  const field = event.target.closest?.(".field");
  if (!field) return;
  const box = field.getBoundingClientRect();
  const { from, to } = field.querySelector("[data-from]").dataset;
  readAt(field.closest("[data-chart]"), Number(from) + ((event.clientX - box.left) / box.width) * (to - from));
});
document.addEventListener("pointerout", (event) => {
  const field = event.target.closest?.(".field");
  if (field && !field.contains(event.relatedTarget) && field !== document.activeElement) clear(field.closest("[data-chart]"));
});
document.addEventListener("focusout", (event) => {
  const field = event.target.closest?.(".field");
  if (field?.isConnected) clear(field.closest("[data-chart]"));
});
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".field");
  if (!field) return;
  const chart = field.closest("[data-chart]");
  const rows = rowsOf(chart);
  const now = chart.dataset.index === undefined ? rows.length : Number(chart.dataset.index);
  const page = Math.max(1, Math.round(rows.length / 12));
  const target = {
    ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - page, PageDown: now + page,
    Home: 0, End: rows.length - 1,
  }[event.key];
  if (event.key === "Escape") clear(chart);
  if (target === undefined) return;
  event.preventDefault();
  show(chart, rows, target);
});
