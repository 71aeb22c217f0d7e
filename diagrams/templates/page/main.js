// What the reader does: choose, fold, jump, filter, print; and how the page begins.

// Lays everything out anew and keeps the row in its place that the reader looks at.
function refresh(anchor = anchorRow()) {
  layOut();
  measure();
  if (anchor) scroller.scrollTop = rowFor(anchor.step) * ROW - anchor.offset;
  draw(true);
  drawMinimap();
  tellStatus();
}

// The chosen step if it is on screen, else the first that is; and how far down it stands.
function anchorRow() {
  const top = scroller.scrollTop;
  const chosen = view.chosen >= 0 ? rowFor(view.chosen) * ROW - top : -1;
  if (chosen >= 0 && chosen < scroller.clientHeight) return { step: view.chosen, offset: chosen };
  const entry = view.rows[Math.ceil(top / ROW)];
  return entry === undefined ? null : { step: entry < 0 ? ~entry : entry, offset: Math.ceil(top / ROW) * ROW - top };
}

function tellStatus() {
  let rows = 0;
  for (const entry of view.rows) rows += entry >= 0;
  document.getElementById("status").textContent =
    `${plural(count, "step")}: ${plural(rows, "row")}, ${count - rows} inside them (level: ${LEVELS[view.level]})`;
}

// Shows a step, wherever it is hidden, in the middle of the screen if it is not on it.
function reveal(step) {
  const row = uncover(step);
  const y = rowFor(row) * ROW, top = scroller.scrollTop, room = scroller.clientHeight - heads.offsetHeight;
  measure();
  body.style.height = `${view.rows.length * ROW}px`;
  if (y < top + ROW || y > top + room - 2 * ROW) scroller.scrollTop = y - room / 3;
  choose(row, step);
  drawMinimap();
  tellStatus();
}

function choose(step, address_of = step) {
  view.chosen = step;
  draw(true);
  showPanel(step);
  history.replaceState(null, "", `#${encodeURIComponent(address(address_of)).replaceAll("%2F", "/")}`);
}

function goToHash() {
  let text = location.hash.slice(1);
  try { text = decodeURIComponent(text); } catch { /* as it is */ }
  const step = text ? stepAt(text) : -1;
  if (step >= 0) reveal(step);
  else if (text) document.getElementById("status").textContent = `No step ${visible(text).slice(0, 80)} in this boot.`;
}

// One click or key: open a group, unfold, fold, or show what the level hides inside.
function toggle(step) {
  const head = groupHead[step];
  if (closedGroup(step)) view.opened[step] = 1;
  else if (view.folded[step]) view.folded[step] = 0;
  else if (holds[step]) view.folded[step] = 1;
  else if (hiddenCalls[step] + hiddenNotes[step]) view.more[step] = 1;
  else if (view.opened[head]) view.opened[head] = 0;
  refresh();
}

function unfold(step) {
  if (closedGroup(step)) view.opened[step] = 1;
  else if (view.folded[step]) view.folded[step] = 0;
  else if (hiddenCalls[step] + hiddenNotes[step]) view.more[step] = 1;
  else return false;
  refresh();
  return true;
}

function fold(step) {
  const head = groupHead[step];
  if (view.more[step]) view.more[step] = 0;
  else if (holds[step] && !view.folded[step]) view.folded[step] = 1;
  else if (groupSize[head] > 1 && view.opened[head]) view.opened[head] = 0;
  else return false;
  refresh();
  return true;
}

function setLevel(level) {
  view.level = level;
  document.querySelector(`#levels input[value=${LEVELS[level]}]`).checked = true;
  view.more.fill(0);
  refresh();
}

function setView(timed) {
  place.timed = timed;
  document.querySelector(`#views input[value=${timed ? "time" : "sequence"}]`).checked = true;
  refresh();
}

function press(button, on) {
  button.setAttribute("aria-pressed", on);
}

function toggleOutline() {
  place.outline = !place.outline;
  press(document.getElementById("outline"), place.outline);
  refresh();
}

// First it is marked; pressed again, only the path is shown; then all is as before.
function toggleCritical() {
  const button = document.getElementById("critical");
  const marked = document.body.classList.contains("path");
  if (marked && !view.onlyCritical) view.onlyCritical = true;
  else {
    view.onlyCritical = false;
    document.body.classList.toggle("path", !marked);
  }
  press(button, document.body.classList.contains("path"));
  button.textContent = view.onlyCritical ? "critical path only" : "critical path";
  refresh();
}

function step_of(target) {
  const row = target.closest(".row");
  return row ? Number(row.dataset.step) : null;
}

body.addEventListener("click", (event) => {
  const entry = step_of(event.target);
  if (entry === null || String(getSelection())) return;
  const step = entry < 0 ? ~entry : entry;
  if (event.target.closest(".fold, .times")) toggle(step);
  else if (event.target.closest(".inside")) { if (!unfold(step)) toggle(step); }
  else choose(step);
});
body.addEventListener("dblclick", (event) => {
  const entry = step_of(event.target);
  if (entry !== null && entry >= 0) toggle(entry);
});

function move(rows) {
  let at = view.chosen < 0 ? Math.floor(scroller.scrollTop / ROW) - Math.sign(rows) : rowFor(view.chosen);
  at = Math.max(0, Math.min(view.rows.length - 1, at + rows));
  while (view.rows[at] < 0 && at > 0 && at < view.rows.length - 1) at += Math.sign(rows) || 1;
  while (view.rows[at] < 0 && at > 0) at--;
  if (view.rows[at] !== undefined) reveal(view.rows[at]);
}

function inward() {
  if (view.chosen < 0) return move(1);
  if (!closedGroup(view.chosen) && !view.folded[view.chosen] && holds[view.chosen]) return move(1);
  return unfold(view.chosen);
}

function outward() {
  if (view.chosen < 0) return;
  if (!fold(view.chosen) && up[view.chosen] >= 0) reveal(up[view.chosen]);
}

const screen = () => Math.max(1, Math.floor(scroller.clientHeight / ROW) - 3);
const KEYS = {
  ArrowDown: ["the next row", () => move(1)],
  ArrowUp: ["the row before", () => move(-1)],
  ArrowRight: ["unfold, or go inside", inward],
  ArrowLeft: ["fold, or go to what is around", outward],
  PageDown: ["a screen down", () => move(screen())],
  PageUp: ["a screen up", () => move(-screen())],
  Home: ["the first row", () => move(-view.rows.length)],
  End: ["the last row", () => move(view.rows.length)],
  Enter: ["details of the row, or a group opened", () => view.chosen >= 0 && (unfold(view.chosen) || showPanel(view.chosen))],
  "/": ["search", () => field.focus()],
  n: ["the next hit", () => nextHit(1)],
  N: ["the hit before", () => nextHit(-1)],
  1: ["services", () => setLevel(0)],
  2: ["RPC + HTTP", () => setLevel(1)],
  3: ["+ calls", () => setLevel(2)],
  4: ["+ SQL", () => setLevel(3)],
  5: ["all", () => setLevel(4)],
  t: ["sequence or time", () => setView(!place.timed)],
  o: ["outline beside it", toggleOutline],
  c: ["the critical path: marked, alone, not", toggleCritical],
  "?": ["these keys", showKeys],
  Escape: ["close the details", hidePanel],
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(KEYS, event.key)) return;
  if (event.target.closest("input[type=search], dialog")) return;
  // Elsewhere than on the rows, arrows and Enter are the control's own.
  if (event.key.length > 1 && event.key !== "Escape" && event.target.closest("input, button, summary, a")) return;
  event.preventDefault();
  KEYS[event.key][1]();
});

function showKeys() {
  const list = make("dl");
  for (const [key, [what]] of Object.entries(KEYS)) list.append(make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: what }));
  const dialog = document.getElementById("keys");
  dialog.replaceChildren(make("h2", { textContent: "Keys" }), list, make("p", { textContent: "An address behind # in the page’s own address leads to that step." }));
  dialog.showModal();
}

// Participants and kinds of step to leave out.
function makeFilter() {
  const card = document.querySelector("#filter .card");
  for (const [name, values, hidden] of [["Participants", boot.lanes, view.hiddenLanes], ["Kinds", boot.kinds, view.hiddenKinds]]) {
    const group = make("fieldset", {}, make("legend", { textContent: name }));
    values.forEach((text, number) => {
      const box = make("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(number); else hidden.add(number);
        document.getElementById("filter").classList.toggle("on", view.hiddenLanes.size + view.hiddenKinds.size > 0);
        refresh();
      });
      group.append(make("label", {}, box, visible(text)));
    });
    card.append(group);
  }
}

// On paper every row stands, as wide as the paper is; of a very long boot the beginning, which is said.
const MOST_PRINTED = 4000;

function beforePrint() {
  place.printing = true;
  document.body.classList.add("printing");
  const all = view.rows;
  if (all.length > MOST_PRINTED) view.rows = all.slice(0, MOST_PRINTED);
  measure();
  draw(true);
  if (all.length > MOST_PRINTED) body.append(make("p", { className: "cut", textContent: `+${all.length - MOST_PRINTED} more rows, not printed: choose a lower level or fold` }));
  document.body.style.zoom = Math.min(1, 1040 / (place.tree + place.right));
}

function afterPrint() {
  place.printing = false;
  document.body.classList.remove("printing");
  document.body.style.zoom = "";
  body.querySelector(".cut")?.remove();
  refresh();
}

let framed = 0;
function resized() {
  measure();
  draw(true);
  drawMinimap();
}

scroller.addEventListener("scroll", () => {
  if (framed) return;
  framed = requestAnimationFrame(() => {
    framed = 0;
    draw();
    drawMinimap();
  });
}, { passive: true });
addEventListener("resize", resized);
dark.addEventListener("change", resized);
addEventListener("hashchange", goToHash);
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
for (const radio of document.querySelectorAll("#levels input")) radio.addEventListener("change", () => setLevel(LEVELS.indexOf(radio.value)));
for (const radio of document.querySelectorAll("#views input")) radio.addEventListener("change", () => setView(radio.value === "time"));
document.getElementById("outline").addEventListener("click", toggleOutline);
document.getElementById("critical").addEventListener("click", toggleCritical);
document.getElementById("help").addEventListener("click", showKeys);
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.getElementById("waiting").remove();
setLevel(view.level);
makeFilter();
performance.mark("rows");
// A deep link needs the details, which stand behind this script.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", goToHash);
else goToHash();
// For tests and the curious: what the page shows, and how to go somewhere.
window.bootseq = { view, count, stands, reveal, stepAt, address, find, hits };
