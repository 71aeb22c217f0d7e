// Search in names, tables, request ids, addresses and attributes; and jumps between hits.

const hits = { query: "", steps: [], set: new Uint8Array(count), index: -1 };
const searching = document.getElementById("search");
const field = searching.querySelector("input");
let lowered = null;

function find(query) {
  hits.query = query;
  hits.index = -1;
  hits.set.fill(0);
  hits.steps = query ? matching(query.toLowerCase()) : [];
  for (const step of hits.steps) hits.set[boot.flags[step] & FAR ? parent[step] : step] = 1;
}

function matching(query) {
  const exact = stepAt(query);
  if (exact >= 0) return [exact];
  // The details are JSON text, so the query is searched in its JSON form.
  const written = JSON.stringify(query).slice(1, -1).replaceAll("<", "\\u003c");
  lowered ??= { strings: boot.strings.map((text) => text.toLowerCase()), lines: linesOf("details").map((line) => line.toLowerCase()),
    statements: linesOf("statements").map((line) => line && oneLine(JSON.parse(line)).toLowerCase()) };
  const strings = lowered.strings.map((text) => text.includes(query));
  const origins = boot.origins.map((origin) => [origin[4], origin[5], origin[1]].some((id) => id.toLowerCase().includes(query)));
  const words = oneLine(query);
  const statements = lowered.statements.map((text) => text.includes(words));
  const steps = [];
  for (let step = 0; step < count; step++) {
    if (strings[boot.label[step]] || strings[boot.title[step]] || origins[boot.origin[step]]
      || lowered.lines[step]?.includes(written) || statements[statementOf(lowered.lines[step])]) steps.push(step);
  }
  return steps;
}

// Statements match regardless of line breaks.
const oneLine = (text) => text.replace(/\s+/g, " ");

// A line ends with the number of its statement, or with its error: null, or in quotes.
const statementOf = (line) => /,(\d+)\]$/.exec(line ?? "")?.[1];

// Jump to the next hit after the chosen step, wrapping at the end.
function nextHit(way) {
  const steps = hits.steps;
  if (!steps.length) return;
  if (hits.index < 0) {
    const after = steps.findIndex((step) => step >= Math.max(view.chosen, 0));
    hits.index = way > 0 ? Math.max(after, 0) : (after <= 0 ? steps.length : after) - 1;
  } else {
    hits.index = (hits.index + way + steps.length) % steps.length;
  }
  reveal(steps[hits.index]);
  showHits();
}

function showHits() {
  const { query, steps, index } = hits;
  const counter = index >= 0 ? `${index + 1} / ${steps.length}` : plural(steps.length, "hit");
  searching.querySelector("output").textContent = query ? counter : "";
}

let searchTimer = 0;

field.addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => {
    find(field.value.trim());
    showHits();
    draw(true);
    drawMinimap();
  }, 120);
});

searching.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    field.value = "";
    field.dispatchEvent(new Event("input"));
    scroller.focus();
  }
  if (event.key !== "Enter") return;
  event.preventDefault();
  clearTimeout(searchTimer);
  if (hits.query !== field.value.trim()) find(field.value.trim());
  nextHit(event.shiftKey ? -1 : 1);
});
for (const button of searching.querySelectorAll("button")) {
  button.addEventListener("click", () => nextHit(Number(button.value)));
}
