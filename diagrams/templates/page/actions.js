// What the reader does with the rows: choose, fold, jump, change the level and the view.

// Lays everything out anew and keeps the row in its place that the reader looks at.
function refresh(anchor = anchorRow()) {
  layOut();
  measure();
  setHeight();  // first: nothing is scrolled to beyond the end
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

const LEVEL_NAMES = [...document.querySelectorAll("#levels span")].map((one) => one.textContent);

function tellStatus() {
  let rows = 0;
  for (const entry of view.rows) rows += entry >= 0;
  document.getElementById("status").textContent =
    `${plural(count, "step")}: ${plural(rows, "row")}, ${count - rows} inside them (${LEVEL_NAMES[view.level]})`;
}

// Shows a step, wherever it is hidden, in the middle of the screen if it is not on it.
function reveal(step) {
  const before = view.rows, left = view.chosen;
  const row = uncover(step);
  const changed = view.rows !== before;
  showPanel(row, step);
  if (changed) {
    measure();
    setHeight();
  }
  const y = rowFor(row) * ROW, top = scroller.scrollTop, room = scroller.clientHeight - heads.offsetHeight;
  if (y < top + ROW || y > top + room - 2 * ROW) scroller.scrollTop = y - room / 3;
  if (changed) draw(true);
  else redraw(rowFor(row), left < 0 ? -1 : rowFor(left));
  tellAddress(step);
  drawMinimap(changed);
  if (changed) tellStatus();
}

let telling = 0;

// A little later: browsers refuse an address that changes with every repeat of an arrow key.
function tellAddress(step) {
  clearTimeout(telling);
  const text = `#${fragment(address(step))}`;
  if (location.hash !== text) telling = setTimeout(() => history.replaceState(null, "", text), 120);
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
  view.timed = timed;
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
  else reveal(step);
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

