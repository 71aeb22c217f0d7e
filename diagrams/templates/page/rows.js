// Which rows there are: what the level and the filters show, what is folded, which equal neighbours stand as one.
// Nothing is lost: every step is a row, or counted at the row that stands for it (`stands`).

const LEVELS = ["services", "requests", "calls", "sql", "all"];

const view = {
  level: LEVELS.indexOf(document.body.dataset.level),
  hiddenKinds: new Set(), hiddenLanes: new Set(), onlyCritical: false,
  folded: new Uint8Array(count),  // nothing below it is shown
  more: new Uint8Array(count),    // what is directly inside is shown at every level
  opened: new Uint8Array(count),  // the group that begins here shows each of its steps
  chosen: -1,                     // the step that is looked at: shown whatever the level
  timed: false,                   // on an axis of time answers need no row
  rows: new Int32Array(0),        // steps from top to bottom; ~step is the answer to it
};

const shown = new Uint8Array(count);
const up = new Int32Array(count);         // the shown step around each
const depth = new Int32Array(count);
const hiddenCalls = new Int32Array(count), hiddenNotes = new Int32Array(count);
const holds = new Uint8Array(count);      // whether there is a shown step inside
const groupHead = new Int32Array(count);  // the first of the equal neighbours
const groupSize = new Int32Array(count);
const groupSteps = new Int32Array(count);  // steps that its other members hold
const groupTook = new Float64Array(count);
const rowOf = new Int32Array(count);

let pinned = false;  // whether a row is there only because it is the chosen one

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
  if (view.onlyCritical && heldInside[step] < LEAST * heldInAll) return false;
  if (boot.level[step] <= Math.max(view.level, 1)) return true;
  const around = parent[step];
  return view.more[boot.flags[around] & FAR ? parent[around] : around] === 1;
}

// How long a step and all inside it held the boot up; what holds less than this share of it is left alone.
const LEAST = 0.005;
const heldInside = new Float64Array(count);
for (let step = count - 1; step >= 0; step--) {
  heldInside[step] += boot.critical[step] ?? 0;
  if (parent[step] >= 0) heldInside[parent[step]] += heldInside[step];
}
const heldInAll = Object.values(boot.critical).reduce((sum, one) => sum + one, 0) || 1;
const held = new Float64Array(count);  // of each row: what it stands for, without what other rows stand for

function chooseShown() {
  hiddenCalls.fill(0);
  hiddenNotes.fill(0);
  holds.fill(0);
  for (let step = 0; step < count; step++) {
    const around = parent[step];
    up[step] = around < 0 ? -1 : shown[around] ? around : up[around];
    shown[step] = passes(step) ? 1 : 0;
    const holder = up[step];
    depth[step] = holder < 0 ? 0 : depth[holder] + 1;
    if (shown[step] && holder >= 0) holds[holder] = 1;
    else if (!shown[step] && !(boot.flags[step] & FAR && shown[around])) (isNote(step) ? hiddenNotes : hiddenCalls)[holder]++;
  }
}

// Two numbers stand for a step and all that is shown in it. Steps with equal ones read the same: that two others
// share both by chance happens once in 2^64 neighbours.
const first = new Int32Array(count), second = new Int32Array(count);
const mixed = (hash, value, factor) => Math.imul((hash ^ value) + 0x9e3779b9, factor) ^ (hash >>> 15);

function findGroups() {
  first.fill(0);
  second.fill(0);
  for (let step = count - 1; step >= 0; step--) {
    if (!shown[step]) continue;
    for (const value of looks(step)) {
      first[step] = mixed(first[step], value, 0x85ebca6b);
      second[step] = mixed(second[step], value, 0xc2b2ae35);
    }
    const around = up[step];
    if (around < 0 || view.level === 0) continue;
    first[around] = mixed(first[around], first[step], 0x85ebca6b);
    second[around] = mixed(second[around], second[step], 0xc2b2ae35);
  }
  joinNeighbours();
}

function looks(step) {
  const lone = (boot.flags[step] & (FAILED | UNFINISHED | HEAD)) || step in boot.links || has(step, FAILED);
  // Between services what matters is who asks whom: what they ask is told when the group is opened.
  const crosses = view.level === 0 && boot.source[step] !== boot.target[step] && kind(step) !== "state";
  return [
    lone ? -1 - step : crosses ? 0 : boot.label[step] + 1, boot.kind[step], boot.source[step], boot.target[step],
    crosses ? 0 : hiddenCalls[step],
  ];
}

function joinNeighbours() {
  const before = new Int32Array(count).fill(-1);  // the last shown step inside each
  groupSize.fill(1);
  groupSteps.fill(0);
  for (let step = 0; step < count; step++) groupTook[step] = boot.took[step];
  for (let step = 0; step < count; step++) {
    groupHead[step] = step;
    if (!shown[step] || up[step] < 0) continue;
    const neighbour = before[up[step]];
    before[up[step]] = step;
    if (neighbour < 0 || first[neighbour] !== first[step] || second[neighbour] !== second[step]) continue;
    const head = groupHead[step] = groupHead[neighbour];
    groupSize[head]++;
    groupSteps[head] += boot.size[step] + 1;
    groupTook[head] += boot.took[step];
  }
}

const inClosedGroup = (step) => groupSize[groupHead[step]] > 1 && !view.opened[groupHead[step]];
const closedGroup = (step) => groupHead[step] === step && inClosedGroup(step);
// At the level of services a group's members differ inside, so nothing of its first stands for all.
const isShut = (step) => view.folded[step] === 1 || (view.level === 0 && closedGroup(step));

// The step itself is shown even where the level or a filter hides it.
function showChosen(step) {
  if (shown[step] || boot.flags[step] & FAR) return false;
  shown[step] = 1;
  holds[up[step]] = 1;
  (isNote(step) ? hiddenNotes : hiddenCalls)[up[step]]--;
  if (farSide[step] >= 0) hiddenCalls[up[step]]--;
  return true;
}

function writeRows() {
  const rows = [];
  const open = [];
  rowOf.fill(-1);
  const close = (until) => {
    while (open.length && open[open.length - 1].end < until) {
      const { step, top } = open.pop();
      if (rows.length > top && !view.timed && answers(step)) rows.push(~step);
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
  held.fill(0);
  for (const step of Object.keys(boot.critical)) {
    const row = view.rows[rowFor(Number(step))];
    held[row < 0 ? ~row : row] += boot.critical[step];
  }
}

function answers(step) {
  return boot.source[step] !== boot.target[step] && !(boot.flags[step] & (UNAWAITED | UNFINISHED)) && !isNote(step);
}

// How many steps a row stands for: itself, what it hides, and the other members of its group.
function stands(step) {
  const inside = isShut(step) ? boot.size[step] : hiddenCalls[step] + hiddenNotes[step] + (farSide[step] >= 0 ? 1 : 0);
  return 1 + inside + (closedGroup(step) ? groupSteps[step] : 0);
}

// The row that shows a step, or the nearest around it that does.
function rowFor(step) {
  for (let one = step; one >= 0; one = parent[one]) {
    const head = groupHead[one];
    if (rowOf[one] >= 0) return rowOf[one];
    if (shown[one] && head !== one && rowOf[head] >= 0) return rowOf[head];
  }
  return 0;
}

// Makes a step a row: what is around it is unfolded, groups around it are opened.
function uncover(step) {
  const far = boot.flags[step] & FAR ? parent[step] : step;
  view.chosen = far;
  if (rowOf[far] >= 0 && !pinned) return far;  // all stays where it is
  layOut();
  for (let again = true; again;) {  // opening one group may change how its neighbours are grouped
    again = false;
    for (let one = far; one >= 0; one = parent[one]) {
      if (one !== far && view.folded[one]) { view.folded[one] = 0; again = true; }
      const member = groupHead[one] !== one || one !== far;
      if (shown[one] && member && inClosedGroup(one)) { view.opened[groupHead[one]] = 1; again = true; }
    }
    if (again) layOut();
  }
  return far;
}
