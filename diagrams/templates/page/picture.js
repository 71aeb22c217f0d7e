// The drawing of rows. Only visible ones are in the document: outline on the left, lanes or times on the right.

const NARROW = 300;  // an outline of fewer pixels is narrow
const ROW = 20, LINE = 16, OVER = 12, GUTTER = 58, BAR = 6, SHIFT = 3, MAX_SHIFTS = 5;
const SVG = "http://www.w3.org/2000/svg";
const scroller = document.getElementById("scroller");
const body = document.getElementById("rows");
const heads = document.getElementById("heads");
const dark = matchMedia("(prefers-color-scheme: dark)");

// On a small screen the outline replaces the sequence, or the sequence the outline.
const small = matchMedia("(max-width: 800px)");
const geometry = { outline: true, tree: 0, right: 0, xs: [], printing: false };
const rowElements = new Map();  // rows in the document by their index
let tones = [], layoutKey = "";

// Return a lane's colour for the colour scheme; the data has it for white paper.
function tone(colour) {
  const lighter = dark.matches && !geometry.printing;
  const parts = [1, 3, 5].map((offset) => parseInt(colour.slice(offset, offset + 2), 16));
  return `rgb(${parts.map((part) => (lighter ? Math.round(part + (255 - part) * 0.42) : part)).join(" ")})`;
}

function svg(tag, attributes, inside = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (inside) element.textContent = inside;
  return element;
}

// A name of two parts, volume-scheduler or compute cmp1: its head has two lines where one has no room.
const twoLines = (name) => /^(.*?)([- ])(.+)$/.exec(name)?.slice(1) ?? null;
const brush = make("canvas").getContext("2d");

function textWidth(text, font) {
  brush.font = `${font} Helvetica, Arial, "DejaVu Sans", sans-serif`;
  return brush.measureText(text).width;
}

function headWidths(name) {
  const parts = twoLines(name);
  const whole = textWidth(name, "bold 12px") + 18;
  return { whole, least: parts ? Math.max(...[parts[0] + parts[1], parts[2]].map((part) => textWidth(part, "bold 10.5px"))) + 14 : whole };
}

// Return the distance of each lane to the next: even ones if all fit, and never so short that heads meet.
function laneGaps(lanes, room) {
  const widths = lanes.map((lane) => headWidths(boot.lanes[lane]));
  const least = widths.slice(1).map((width, index) => Math.ceil((width.least + widths[index].least) / 2) + 8);
  let even = Math.min(190, Math.max(82, Math.floor(room / Math.max(1, least.length))));
  const gaps = () => least.map((gap) => Math.max(gap, even));
  while (even > 82 && gaps().reduce((sum, gap) => sum + gap, 0) > room) even -= 4;
  return gaps();
}

// Return the lanes that a row begins or ends at; others would only take room.
function usedLanes() {
  const used = new Set();
  for (const entry of view.rows) {
    const step = entry < 0 ? ~entry : entry;
    used.add(boot.source[step]).add(boot.target[step]);
  }
  return [...used].sort((left, right) => left - right);
}

// Compute the horizontal geometry; repeated only when the width, the lanes or the view change.
function measure() {
  const wide = scroller.clientWidth || 1200;
  const lanes = usedLanes();
  const now = [wide, lanes, view.timed, geometry.outline, geometry.printing, dark.matches, small.matches].join();
  if (now === layoutKey) return;
  layoutKey = now;
  tones = boot.colours.map(tone);
  const alone = geometry.outline && small.matches && !geometry.printing;
  geometry.tree = alone ? wide : geometry.outline ? Math.round(Math.min(560, Math.max(170, wide * 0.33))) : small.matches ? 136 : 150;
  const after = boot.lanes[lanes[lanes.length - 1]] === "instance" ? 60 : 170;  // no label starts at the instance's lane
  const room = wide - geometry.tree - GUTTER - 36 - after;
  const gaps = laneGaps(lanes, room);
  let x = GUTTER + 36;
  geometry.xs = boot.lanes.map(() => x);
  lanes.forEach((lane, index) => {
    geometry.xs[lane] = x;
    x += gaps[index] ?? 0;
  });
  geometry.right = alone ? 0 : Math.max(wide - geometry.tree, view.timed ? small.matches ? 0 : 600 : x + after);
  body.style.width = heads.style.width = `${geometry.tree + geometry.right}px`;
  for (const part of [body, heads]) part.style.setProperty("--tree", `${geometry.tree}px`);
  drawLifelines(lanes);
  drawHeads(lanes);
}

function drawLifelines(lanes) {
  const lines = view.timed
    ? ticks().map(({ x }) => ["var(--rule)", geometry.tree + x])
    : lanes.map((lane) => [`color-mix(in srgb, ${tones[lane]} 34%, transparent)`, geometry.tree + geometry.xs[lane]]);
  body.style.backgroundImage = lines.map(([colour]) => `linear-gradient(${colour}, ${colour})`).join(", ");
  body.style.backgroundPosition = lines.map(([, x]) => `${x}px 0`).join(", ");
}

function drawHeads(lanes) {
  const left = make("div", { className: "tree" }, geometry.outline ? "outline" : "address");
  left.setAttribute("role", "columnheader");
  const right = make("div", { className: "heading" });
  right.setAttribute("role", "columnheader");
  right.setAttribute("aria-label", view.timed ? "time" : `lanes: ${lanes.map((lane) => boot.lanes[lane]).join(", ")}`);
  for (const { x, text } of view.timed ? ticks() : []) right.append(put(make("span", { textContent: text }), x));
  for (const [index, lane] of view.timed ? [] : lanes.entries()) {
    const name = boot.lanes[lane], parts = twoLines(name);
    const tight = [lanes[index - 1], lanes[index + 1]].some((other) => other !== undefined
      && (headWidths(name).whole + headWidths(boot.lanes[other]).whole) / 2 + 8 > Math.abs(geometry.xs[other] - geometry.xs[lane]));
    const two = parts !== null && tight;
    const head = put(make("b", { textContent: two ? `${parts[0]}${parts[1]}\n${parts[2]}` : name, title: name }), geometry.xs[lane]);
    head.style.background = tones[lane];
    head.classList.toggle("two", two);
    right.append(head);
  }
  if (!view.timed) right.append(put(make("i", { textContent: "s" }), 26));
  heads.replaceChildren(left, right);
}

function put(element, x) {
  element.style.left = `${x}px`;
  return element;
}

// Return at most ten round times across the boot.
function ticks() {
  const total = Math.max(boot.duration, 1);
  const unit = 10 ** Math.floor(Math.log10(total / 10));
  const step = unit * [1, 2, 5, 10].find((factor) => total / (unit * factor) <= 10);
  const marks = [];
  for (let time = 0; time <= total; time += step) marks.push({ x: timeX(time), text: time ? span(time) : "0" });
  return marks;
}

const timeX = (time) => 12 + (time / Math.max(boot.duration, 1)) * (geometry.right - 110);

function setHeight() {
  body.style.height = `${view.rows.length * ROW}px`;
}

// Draw the visible rows; with `forget`, remove those in the document first.
function draw(forget = false) {
  const rows = view.rows;
  if (forget) {
    for (const row of rowElements.values()) row.remove();
    rowElements.clear();
    setHeight();
    scroller.setAttribute("aria-rowcount", rows.length);
  }
  const top = geometry.printing ? 0 : Math.max(0, Math.floor(scroller.scrollTop / ROW) - OVER);
  const bottom = geometry.printing ? rows.length : Math.min(rows.length, top + Math.ceil(scroller.clientHeight / ROW) + 2 * OVER);
  for (const [index, row] of rowElements) {
    if (index < top || index >= bottom) { row.remove(); rowElements.delete(index); }
  }
  const fresh = document.createDocumentFragment();
  for (let index = top; index < bottom; index++) {
    if (rowElements.has(index)) continue;
    const row = drawRow(index, rows[index]);
    rowElements.set(index, row);
    fresh.append(row);
  }
  body.append(fresh);
  const chosen = view.chosen < 0 ? -1 : rowFor(view.chosen);
  scroller.setAttribute("aria-activedescendant", rowElements.has(chosen) ? `r${chosen}` : "");
}

// Draw some rows again and leave the others.
function redraw(...rows) {
  for (const index of rows) {
    rowElements.get(index)?.remove();
    rowElements.delete(index);
  }
  draw();
}

function drawRow(index, entry) {
  const answer = entry < 0, step = answer ? ~entry : entry;
  const row = make("div", { id: `r${index}`, className: `row ${classesOf(step, answer)}${index % 2 ? " odd" : ""}` });
  row.style.top = `${index * ROW}px`;
  row.dataset.step = entry;
  row.setAttribute("role", "row");
  row.setAttribute("aria-rowindex", index + 1);
  row.setAttribute("aria-level", depth[step] + 1);
  row.setAttribute("aria-label", spoken(step, answer));
  if (!answer) {
    row.setAttribute("aria-selected", step === view.chosen);
    if (canFold(step)) row.setAttribute("aria-expanded", !isShut(step) && !closedGroup(step));
  }
  row.append(drawOutline(step, answer));
  if (geometry.right) row.append(view.timed ? drawTime(step, answer) : drawLanes(step, answer));
  return row;
}

function classesOf(step, answer) {
  const classes = [answer ? "answer" : kind(step).replace(/[^a-z]/g, "")];
  if (failed(step)) classes.push("failed");
  else if (handled(step)) classes.push("handled");
  else if (has(step, UNFINISHED) && !isNote(step)) classes.push("unfinished");
  if (boot.flags[step] & HEAD && !answer) classes.push("chapter");
  if (boot.flags[step] & UNAWAITED) classes.push("cast");
  if (rowCritical[step] >= MIN_SHARE * criticalTotal) classes.push(rowCritical[step] >= 10 * MIN_SHARE * criticalTotal ? "hot critical" : "critical");
  if (step === view.chosen && !answer) classes.push("chosen");
  if (hits.set[step] && !answer) classes.push("hit");
  return classes.join(" ");
}

function spoken(step, answer) {
  const [source, target] = [boot.lanes[boot.source[step]], boot.lanes[boot.target[step]]];
  if (answer) return `answer to ${visible(address(step))}, ${target} to ${source}, ${span(boot.took[step])}`;
  return visible(`${address(step)}, ${source}${source === target ? "" : ` to ${target}`}: ${label(step)}, ${failed(step) ? "failed, " : ""}${suffix(step)}`);
}

function suffix(step, timed = true) {
  const links = boot.links[step];
  const parts = [];
  if (closedGroup(step)) parts.push(`×${groupSize[step]}`);
  if (links?.[0].length) parts.push(`→ ${links[0].slice(0, 4).join(", ")}${links[0].length > 4 ? " …" : ""}`);
  if (links?.[1]) parts.push(`← ${links[1]}`);
  if (handled(step)) parts.push("handled");
  if (has(step, UNFINISHED) && !isNote(step)) parts.push("… unfinished");
  else if (timed) {  // otherwise the answer has a row of its own, with the time
    const took = closedGroup(step) ? groupTook[step] : lasted(step);
    const crosses = boot.source[step] !== boot.target[step];
    if (took >= 1e6 || (crosses && took > 0)) parts.push(`${span(took)}${closedGroup(step) ? " together" : ""}`);
  }
  if (isShut(step) && boot.size[step]) parts.push(`+${boot.size[step]}`);
  else if (hiddenCalls[step]) parts.push(`+${plural(hiddenCalls[step], "call")}`);
  return visible(parts.join("  "));
}

const canFold = (step) => hasChildren[step] === 1 || groupSize[groupHead[step]] > 1 || hiddenCalls[step] + hiddenNotes[step] > 0;

function drawOutline(step, answer) {
  const cell = make("div", { className: "tree" });
  cell.setAttribute("role", "gridcell");
  if (answer) {
    cell.append(indent(depth[step]), make("span", { className: "text", textContent: geometry.outline ? `answer to ${tail(address(step))}` : "" }));
    return cell;
  }
  if (geometry.outline) cell.append(indent(depth[step]));
  const sign = closedGroup(step) || isShut(step) ? "▸" : hasChildren[step] ? "▾" : hiddenCalls[step] + hiddenNotes[step] ? "▹" : "";
  cell.append(make("span", { className: "fold", textContent: sign }));
  const outlined = title(step);
  const last = closedGroup(step) ? ` ×${groupSize[step]}` : "";
  cell.append(make("span", { className: "address", textContent: visible(tail(address(step))), title: visible(address(step)) }));
  if (geometry.outline) cell.append(make("span", { className: "text", textContent: outlined, title: outlined }));
  if (last) cell.append(make("span", { className: "times", textContent: last }));
  if (!geometry.right && lasted(step) >= 1e6) cell.append(make("span", { className: "took", textContent: span(lasted(step)) }));
  const share = rowCritical[step] / criticalTotal;
  if (document.body.classList.contains("path") && share >= MIN_SHARE) {
    cell.append(make("span", { className: "held", textContent: `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`, title: `held the boot up for ${span(rowCritical[step])}` }));
  }
  const hidden = hiddenCalls[step] + hiddenNotes[step];
  if (hidden && !isShut(step)) {
    const what = [[hiddenCalls[step], "call"], [hiddenNotes[step], "note"]].filter(([n]) => n).map(([n, noun]) => plural(n, noun));
    cell.append(make("span", { className: "inside", textContent: `+${hidden}`, title: `${what.join(", ")} inside, not shown here: click to show` }));
  } else if (isShut(step) && boot.size[step]) {
    cell.append(make("span", { className: "inside", textContent: `+${boot.size[step]}`, title: "folded: click to unfold" }));
  }
  return cell;
}

function indent(level) {
  const element = make("span", { className: "indent" });
  const rail = level > 12 || geometry.tree < 400 ? 6 : 11;
  element.style.setProperty("--rail", `${rail}px`);
  element.style.width = `${Math.min(level, 18) * rail}px`;
  return element;
}

// Cut a long address to its end, which differs from its neighbours'.
function tail(text) {
  const most = geometry.tree < NARROW ? 11 : 20;
  return text.length < most ? text : `…${text.slice(2 - most)}`;
}
