// The actions on rows: choose, fold, jump, change the level and the view.

// Lay out the rows again without moving the anchor row on the screen.
function refresh(anchor = anchorRow()) {
  layOut();
  measure();
  setHeight();  // before scrolling: the end may have moved
  if (anchor) scroller.scrollTop = rowFor(anchor.step) * ROW - anchor.offset;
  draw(true);
  drawMinimap();
  showStatus();
}

// Return the chosen step if it is on screen, else the first on screen, with its offset from the top.
function anchorRow() {
  const top = scroller.scrollTop;
  const chosen = view.chosen >= 0 ? rowFor(view.chosen) * ROW - top : -1;
  if (chosen >= 0 && chosen < scroller.clientHeight) return { step: view.chosen, offset: chosen };
  const entry = view.rows[Math.ceil(top / ROW)];
  return entry === undefined ? null : { step: entry < 0 ? ~entry : entry, offset: Math.ceil(top / ROW) * ROW - top };
}

const LEVEL_NAMES = [...document.querySelectorAll("#levels span")].map((span) => span.textContent);

function showStatus() {
  let rows = 0;
  for (const entry of view.rows) rows += entry >= 0;
  document.getElementById("status").textContent =
    `${plural(count, "step")}: ${plural(rows, "row")}, ${count - rows} inside them (${LEVEL_NAMES[view.level]})`;
}

// Show a step even if it is hidden, and scroll to it unless it is on screen.
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
  writeAddress(step);
  drawMinimap(changed);
  if (changed) showStatus();
}

let addressTimer = 0;

// The page's address names the chosen step, and the level where it is not the one that the page opens with.
// Delayed: browsers reject history changes at the rate of a repeating arrow key.
function writeAddress(step) {
  clearTimeout(addressTimer);
  const level = LEVELS[view.level] === document.body.dataset.level ? "" : `&level=${LEVELS[view.level]}`;
  const text = `#${step < 0 ? "" : fragment(address(step))}${level}`;
  if (location.hash !== text) addressTimer = setTimeout(() => history.replaceState(null, "", text), 120);
}

function goToHash() {
  let [text, ...options] = location.hash.slice(1).split("&");
  const level = LEVELS.indexOf(options.find((option) => option.startsWith("level="))?.slice(6));
  if (level >= 0 && level !== view.level) setLevel(level);
  try { text = decodeURIComponent(text); } catch { /* use the text as it is */ }
  const step = text ? stepAt(text) : -1;
  if (step >= 0) reveal(step);
  else if (text) document.getElementById("status").textContent = `No step ${visible(text).slice(0, 80)} in this boot.`;
}

// Open a group, unfold, fold, or show the children that the level hides: the action of a click.
function toggle(step) {
  const head = groupHead[step];
  if (closedGroup(step)) view.opened[step] = 1;
  else if (view.folded[step]) view.folded[step] = 0;
  else if (hasChildren[step]) view.folded[step] = 1;
  else if (hiddenCalls[step] + hiddenNotes[step]) view.expanded[step] = 1;
  else if (view.opened[head]) view.opened[head] = 0;
  refresh();
}

function unfold(step) {
  if (closedGroup(step)) view.opened[step] = 1;
  else if (view.folded[step]) view.folded[step] = 0;
  else if (hiddenCalls[step] + hiddenNotes[step]) view.expanded[step] = 1;
  else return false;
  refresh();
  return true;
}

function fold(step) {
  const head = groupHead[step];
  if (view.expanded[step]) view.expanded[step] = 0;
  else if (hasChildren[step] && !view.folded[step]) view.folded[step] = 1;
  else if (groupSize[head] > 1 && view.opened[head]) view.opened[head] = 0;
  else return false;
  refresh();
  return true;
}

function setLevel(level) {
  view.level = level;
  document.querySelector(`#levels input[value=${LEVELS[level]}]`).checked = true;
  view.expanded.fill(0);
  refresh();
  if (document.readyState !== "loading") writeAddress(view.chosen);
}

function setView(timed) {
  view.timed = timed;
  document.querySelector(`#views input[value=${timed ? "time" : "sequence"}]`).checked = true;
  refresh();
}

function press(button, on) {
  button.setAttribute("aria-pressed", on);
}

function toggleDrawer() {
  const open = document.body.classList.toggle("drawer");
  document.getElementById("drawer").setAttribute("aria-expanded", open);
}

// Close what is open, the topmost first: a menu, the controls of a small screen, the details.
function closeTop() {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.body.classList.contains("drawer")) {
    toggleDrawer();
    document.getElementById("drawer").focus();
  } else hidePanel();
}

function toggleOutline() {
  geometry.outline = !geometry.outline;
  press(document.getElementById("outline"), geometry.outline);
  refresh();
}

// Cycle: mark the path, show only the path, unmark.
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

function entryOf(target) {
  const row = target.closest(".row");
  return row ? Number(row.dataset.step) : null;
}

body.addEventListener("click", (event) => {
  const entry = entryOf(event.target);
  if (entry === null || String(getSelection())) return;
  const step = entry < 0 ? ~entry : entry;
  if (event.target.closest(".fold, .times")) toggle(step);
  else if (event.target.closest(".inside")) { if (!unfold(step)) toggle(step); }
  else reveal(step);
});
body.addEventListener("dblclick", (event) => {
  const entry = entryOf(event.target);
  if (entry !== null && entry >= 0) toggle(entry);
});

function move(rows) {
  let index = view.chosen < 0 ? Math.floor(scroller.scrollTop / ROW) - Math.sign(rows) : rowFor(view.chosen);
  index = Math.max(0, Math.min(view.rows.length - 1, index + rows));
  while (view.rows[index] < 0 && index > 0 && index < view.rows.length - 1) index += Math.sign(rows) || 1;
  while (view.rows[index] < 0 && index > 0) index--;
  if (view.rows[index] !== undefined) reveal(view.rows[index]);
}

function inward() {
  if (view.chosen < 0) return move(1);
  if (!closedGroup(view.chosen) && !view.folded[view.chosen] && hasChildren[view.chosen]) return move(1);
  return unfold(view.chosen);
}

function outward() {
  if (view.chosen < 0) return;
  if (!fold(view.chosen) && shownParent[view.chosen] >= 0) reveal(shownParent[view.chosen]);
}

