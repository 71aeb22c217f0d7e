// Search in everything: names, tables, request ids, addresses, attributes; and the walk from hit to hit.

const hits = { query: "", steps: [], set: new Uint8Array(count), at: -1 };
const searching = document.getElementById("search");
const field = searching.querySelector("input");
let lowered = null;

function find(query) {
  hits.query = query;
  hits.at = -1;
  hits.set.fill(0);
  hits.steps = query ? matching(query.toLowerCase()) : [];
  for (const step of hits.steps) hits.set[boot.flags[step] & FAR ? parent[step] : step] = 1;
}

function matching(query) {
  const exact = stepAt(query);
  if (exact >= 0) return [exact];
  // The details are text as JSON writes it, so that is what is looked for in them.
  const written = JSON.stringify(query).slice(1, -1).replaceAll("<", "\\u003c");
  lowered ??= { strings: boot.strings.map((one) => one.toLowerCase()), lines: linesOf("details").map((one) => one.toLowerCase()),
    statements: linesOf("statements").map((one) => one && oneLine(JSON.parse(one)).toLowerCase()) };
  const strings = lowered.strings.map((one) => one.includes(query));
  const origins = boot.origins.map((one) => [one[4], one[5], one[1]].some((id) => id.toLowerCase().includes(query)));
  const words = oneLine(query);
  const statements = lowered.statements.map((one) => one.includes(words));
  const found = [];
  for (let step = 0; step < count; step++) {
    if (strings[boot.label[step]] || strings[boot.title[step]] || origins[boot.origin[step]]
      || lowered.lines[step]?.includes(written) || statements[statementOf(lowered.lines[step])]) found.push(step);
  }
  return found;
}

// A statement is found however its lines are broken.
const oneLine = (text) => text.replace(/\s+/g, " ");

// A line ends with the number of its statement, or with its error: null, or in quotes.
const statementOf = (line) => /,(\d+)\]$/.exec(line ?? "")?.[1];

// The next hit from where the reader is, around the end.
function nextHit(way) {
  const steps = hits.steps;
  if (!steps.length) return;
  if (hits.at < 0) {
    const after = steps.findIndex((step) => step >= Math.max(view.chosen, 0));
    hits.at = way > 0 ? Math.max(after, 0) : (after <= 0 ? steps.length : after) - 1;
  } else {
    hits.at = (hits.at + way + steps.length) % steps.length;
  }
  reveal(steps[hits.at]);
  tellHits();
}

function tellHits() {
  const { query, steps, at } = hits;
  const place = at >= 0 ? `${at + 1} / ${steps.length}` : plural(steps.length, "hit");
  searching.querySelector("output").textContent = query ? place : "";
}

let waiting = 0;

field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    find(field.value.trim());
    tellHits();
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
  clearTimeout(waiting);
  if (hits.query !== field.value.trim()) find(field.value.trim());
  nextHit(event.shiftKey ? -1 : 1);
});
for (const button of searching.querySelectorAll("button")) {
  button.addEventListener("click", () => nextHit(Number(button.value)));
}
