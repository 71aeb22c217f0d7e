// The rows: what the level and the filters show, what is folded, which equal neighbours share a row.
// Nothing is lost: every step is a row, or counted in the row that represents it (`stepCount`).

const LEVELS = ["story", "requests", "calls", "sql", "all"];

const view = {
  level: LEVELS.indexOf(document.body.dataset.level),
  hiddenKinds: new Set(), hiddenLanes: new Set(), onlyCritical: false,
  folded: new Uint8Array(count),    // nothing below it is shown
  expanded: new Uint8Array(count),  // its children are shown at every level
  opened: new Uint8Array(count),    // the group that begins here shows each of its steps
  chosen: -1,                       // the selected step, shown at every level
  timed: false,                     // whether bars on a time axis replace the sequence
  rows: new Int32Array(0),          // steps from top to bottom; ~step is the answer to it
};

const shown = new Uint8Array(count);
const shownParent = new Int32Array(count);  // the innermost shown step that encloses each
const depth = new Int32Array(count);
const hiddenCalls = new Int32Array(count), hiddenNotes = new Int32Array(count);
const hasChildren = new Uint8Array(count);  // whether a step inside is shown
const groupHead = new Int32Array(count);  // the first of the equal neighbours
const groupSize = new Int32Array(count);
const groupSteps = new Int32Array(count);  // steps in its other members
const groupTook = new Float64Array(count);
const rowOf = new Int32Array(count);

let pinned = false;  // whether a row exists only because it is the chosen one

function layOut() {
  chooseShown();
  findGroups();
  pinned = view.chosen >= 0 && showChosen(view.chosen);
  writeRows();
}

function passes(step) {
  const flags = boot.flags[step];
  if (flags & HEAD) return true;
  if (flags & FAR) return false;
  if (view.hiddenKinds.has(boot.kind[step])) return false;
  if (view.hiddenLanes.has(boot.source[step]) || view.hiddenLanes.has(boot.target[step])) return false;
  if (view.onlyCritical && criticalInside[step] < MIN_SHARE * criticalTotal) return false;
  if (view.level === 0 ? boot.flags[step] & STORY : boot.level[step] <= view.level) return true;
  const around = parent[step];
  return view.expanded[boot.flags[around] & FAR ? parent[around] : around] === 1;
}

// The critical time of a step with all steps inside it; shares below the minimum are not marked.
const MIN_SHARE = 0.005;
const criticalInside = new Float64Array(count);
for (let step = count - 1; step >= 0; step--) {
  criticalInside[step] += boot.critical[step] ?? 0;
  if (parent[step] >= 0) criticalInside[parent[step]] += criticalInside[step];
}
const criticalTotal = Object.values(boot.critical).reduce((sum, time) => sum + time, 0) || 1;
const rowCritical = new Float64Array(count);  // the critical time of the steps that a row represents

function chooseShown() {
  hiddenCalls.fill(0);
  hiddenNotes.fill(0);
  hasChildren.fill(0);
  for (let step = 0; step < count; step++) {
    const around = parent[step];
    shownParent[step] = around < 0 ? -1 : shown[around] ? around : shownParent[around];
    shown[step] = passes(step) ? 1 : 0;
    const holder = shownParent[step];
    depth[step] = holder < 0 ? 0 : depth[holder] + 1;
    if (shown[step] && holder >= 0) hasChildren[holder] = 1;
    else if (!shown[step] && !(boot.flags[step] & FAR && shown[around])) (isNote(step) ? hiddenNotes : hiddenCalls)[holder]++;
  }
}

// Two hashes of a step and everything shown inside it. Neighbours with equal hashes share a row; different ones
// collide once in 2^64.
const firstHash = new Int32Array(count), secondHash = new Int32Array(count);
const mix = (hash, value, factor) => Math.imul((hash ^ value) + 0x9e3779b9, factor) ^ (hash >>> 15);

function findGroups() {
  firstHash.fill(0);
  secondHash.fill(0);
  for (let step = count - 1; step >= 0; step--) {
    if (!shown[step]) continue;
    for (const value of signature(step)) {
      firstHash[step] = mix(firstHash[step], value, 0x85ebca6b);
      secondHash[step] = mix(secondHash[step], value, 0xc2b2ae35);
    }
    const around = shownParent[step];
    if (around < 0) continue;
    firstHash[around] = mix(firstHash[around], firstHash[step], 0x85ebca6b);
    secondHash[around] = mix(secondHash[around], secondHash[step], 0xc2b2ae35);
  }
  joinNeighbours();
}

function signature(step) {
  const lone = (boot.flags[step] & (FAILED | UNFINISHED | HEAD)) || step in boot.links || has(step, FAILED);
  // In the story, neighbours that read the same are one row whatever they hide.
  const hidden = view.level === 0 ? 0 : hiddenCalls[step];
  return [lone ? -1 - step : boot.label[step] + 1, boot.kind[step], boot.source[step], boot.target[step], hidden];
}

function joinNeighbours() {
  const before = new Int32Array(count).fill(-1);  // the last shown child of each
  groupSize.fill(1);
  groupSteps.fill(0);
  for (let step = 0; step < count; step++) groupTook[step] = boot.took[step];
  for (let step = 0; step < count; step++) {
    groupHead[step] = step;
    if (!shown[step] || shownParent[step] < 0) continue;
    const neighbour = before[shownParent[step]];
    before[shownParent[step]] = step;
    if (neighbour < 0 || firstHash[neighbour] !== firstHash[step] || secondHash[neighbour] !== secondHash[step]) continue;
    const head = groupHead[step] = groupHead[neighbour];
    groupSize[head]++;
    groupSteps[head] += boot.size[step] + 1;
    groupTook[head] += boot.took[step];
  }
}

const inClosedGroup = (step) => groupSize[groupHead[step]] > 1 && !view.opened[groupHead[step]];
const closedGroup = (step) => groupHead[step] === step && inClosedGroup(step);
const isShut = (step) => view.folded[step] === 1;

// Show the chosen step even if the level or a filter hides it.
function showChosen(step) {
  if (shown[step] || boot.flags[step] & FAR) return false;
  shown[step] = 1;
  hasChildren[shownParent[step]] = 1;
  (isNote(step) ? hiddenNotes : hiddenCalls)[shownParent[step]]--;
  if (farSide[step] >= 0) hiddenCalls[shownParent[step]]--;
  return true;
}

function writeRows() {
  const rows = [];
  const open = [];
  rowOf.fill(-1);
  const close = (until) => {
    while (open.length && open[open.length - 1].end < until) {
      const { step, top } = open.pop();
      if (rows.length > top && answered(step)) rows.push(~step);
    }
  };
  for (let step = 0; step < count; step++) {
    close(step);
    if (!shown[step]) continue;
    if (groupHead[step] !== step && inClosedGroup(step)) {
      step += boot.size[step];
      continue;
    }
    rowOf[step] = rows.length;
    rows.push(step);
    if (isShut(step)) step += boot.size[step];
    else open.push({ step, end: step + boot.size[step], top: rows.length });
  }
  close(Infinity);
  view.rows = Int32Array.from(rows);
  rowCritical.fill(0);
  for (const step of Object.keys(boot.critical)) {
    const row = view.rows[rowFor(Number(step))];
    rowCritical[row < 0 ? ~row : row] += boot.critical[step];
  }
}

function answers(step) {
  return boot.source[step] !== boot.target[step] && !(boot.flags[step] & (UNAWAITED | UNFINISHED)) && !isNote(step);
}

// Return whether the answer has a row of its own; in the story a request and its answer share one.
const answered = (step) => answers(step) && !view.timed && view.level > 0;

// Count the steps that a row represents: itself, those it hides, and the other members of its group.
function stepCount(step) {
  const inside = isShut(step) ? boot.size[step] : hiddenCalls[step] + hiddenNotes[step] + (farSide[step] >= 0 ? 1 : 0);
  return 1 + inside + (closedGroup(step) ? groupSteps[step] : 0);
}

// Return the row of a step, or of the innermost enclosing step that has one.
function rowFor(step) {
  for (let ancestor = step; ancestor >= 0; ancestor = parent[ancestor]) {
    const head = groupHead[ancestor];
    if (rowOf[ancestor] >= 0) return rowOf[ancestor];
    if (shown[ancestor] && head !== ancestor && rowOf[head] >= 0) return rowOf[head];
  }
  return 0;
}

// Make a step a row: unfold the enclosing steps and open their groups.
function uncover(step) {
  const far = boot.flags[step] & FAR ? parent[step] : step;
  view.chosen = far;
  if (rowOf[far] >= 0 && !pinned) return far;  // nothing moves
  layOut();
  for (let again = true; again;) {  // opening one group may change how its neighbours are grouped
    again = false;
    for (let ancestor = far; ancestor >= 0; ancestor = parent[ancestor]) {
      if (ancestor !== far && view.folded[ancestor]) { view.folded[ancestor] = 0; again = true; }
      const member = groupHead[ancestor] !== ancestor || ancestor !== far;
      if (shown[ancestor] && member && inClosedGroup(ancestor)) { view.opened[groupHead[ancestor]] = 1; again = true; }
    }
    if (again) layOut();
  }
  return far;
}
