// How rows are drawn. Only those that can be seen are in the document: outline at the left, lanes or times at the right.

const NARROW = 300;  // an outline of fewer pixels
const ROW = 20, LINE = 16, OVER = 12, GUTTER = 58, BAR = 6, SHIFT = 3, DEEPEST = 5;
const SVG = "http://www.w3.org/2000/svg";
const scroller = document.getElementById("scroller");
const body = document.getElementById("rows");
const heads = document.getElementById("heads");
const dark = matchMedia("(prefers-color-scheme: dark)");

const place = { outline: true, tree: 0, right: 0, xs: [], lane: 0, printing: false };
const drawn = new Map();  // rows in the document, by their number
let tones = [], measured = "";

// A lane's colour in this light; its own is made for white paper.
function tone(colour) {
  const lighter = dark.matches && !place.printing;
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgb(${parts.map((part) => (lighter ? Math.round(part + (255 - part) * 0.42) : part)).join(" ")})`;
}

function svg(tag, attributes, inside = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (inside) element.textContent = inside;
  return element;
}

// The lanes that a row of now begins or ends at: idle ones would only take room.
function usedLanes() {
  const used = new Set();
  for (const entry of view.rows) {
    const step = entry < 0 ? ~entry : entry;
    used.add(boot.source[step]).add(boot.target[step]);
  }
  return [...used].sort((one, other) => one - other);
}

// Where everything stands across the page; done again when its width or the lanes change.
function measure() {
  const wide = scroller.clientWidth || 1200;
  const lanes = usedLanes();
  const now = [wide, lanes, view.timed, place.outline, place.printing, dark.matches].join();
  if (now === measured) return;
  measured = now;
  tones = boot.colours.map(tone);
  place.tree = place.outline ? Math.round(Math.min(560, Math.max(170, wide * 0.33))) : 150;
  const after = boot.lanes[lanes[lanes.length - 1]] === "instance" ? 60 : 170;  // no text begins at the instance's lane
  const room = wide - place.tree - GUTTER - 36 - after;
  place.lane = Math.min(190, Math.max(82, Math.floor(room / Math.max(1, lanes.length - 1))));
  place.xs = boot.lanes.map((name, lane) => GUTTER + 36 + lanes.indexOf(lane) * place.lane);
  const right = view.timed ? 600 : GUTTER + 36 + (lanes.length - 1) * place.lane + after;
  place.right = Math.max(wide - place.tree, right);
  body.style.width = heads.style.width = `${place.tree + place.right}px`;
  for (const part of [body, heads]) part.style.setProperty("--tree", `${place.tree}px`);
  drawLifelines(lanes);
  drawHeads(lanes);
}

function drawLifelines(lanes) {
  const lines = view.timed
    ? ticks().map(({ x }) => ["var(--rule)", place.tree + x])
    : lanes.map((lane) => [`color-mix(in srgb, ${tones[lane]} 34%, transparent)`, place.tree + place.xs[lane]]);
  body.style.backgroundImage = lines.map(([colour]) => `linear-gradient(${colour}, ${colour})`).join(", ");
  body.style.backgroundPosition = lines.map(([, x]) => `${x}px 0`).join(", ");
}

function drawHeads(lanes) {
  const left = make("div", { className: "tree" }, place.outline ? "outline" : "address");
  left.setAttribute("role", "columnheader");
  const right = make("div", { className: "heading" });
  right.setAttribute("role", "columnheader");
  right.setAttribute("aria-label", view.timed ? "time" : `lanes: ${lanes.map((lane) => boot.lanes[lane]).join(", ")}`);
  for (const { x, text } of view.timed ? ticks() : []) right.append(put(make("span", { textContent: text }), x));
  for (const lane of view.timed ? [] : lanes) {
    const head = put(make("b", { textContent: boot.lanes[lane], title: boot.lanes[lane] }), place.xs[lane]);
    head.style.background = tones[lane];
    head.style.maxWidth = `${place.lane - 6}px`;
    right.append(head);
  }
  if (!view.timed) right.append(put(make("i", { textContent: "s" }), 26));
  heads.replaceChildren(left, right);
}

function put(element, x) {
  element.style.left = `${x}px`;
  return element;
}

// Round times across the boot: at most ten.
function ticks() {
  const total = Math.max(boot.duration, 1);
  const unit = 10 ** Math.floor(Math.log10(total / 10));
  const step = unit * [1, 2, 5, 10].find((factor) => total / (unit * factor) <= 10);
  const found = [];
  for (let at = 0; at <= total; at += step) found.push({ x: timeX(at), text: at ? span(at) : "0" });
  return found;
}

const timeX = (at) => 12 + (at / Math.max(boot.duration, 1)) * (place.right - 110);

function setHeight() {
  body.style.height = `${view.rows.length * ROW}px`;
}

// Draws anew what can be seen; after `forget` nothing that is there is kept.
function draw(forget = false) {
  const rows = view.rows;
  if (forget) {
    for (const row of drawn.values()) row.remove();
    drawn.clear();
    setHeight();
    scroller.setAttribute("aria-rowcount", rows.length);
  }
  const top = place.printing ? 0 : Math.max(0, Math.floor(scroller.scrollTop / ROW) - OVER);
  const bottom = place.printing ? rows.length : Math.min(rows.length, top + Math.ceil(scroller.clientHeight / ROW) + 2 * OVER);
  for (const [at, row] of drawn) {
    if (at < top || at >= bottom) { row.remove(); drawn.delete(at); }
  }
  const fresh = document.createDocumentFragment();
  for (let at = top; at < bottom; at++) {
    if (drawn.has(at)) continue;
    const row = drawRow(at, rows[at]);
    drawn.set(at, row);
    fresh.append(row);
  }
  body.append(fresh);
  const chosen = view.chosen < 0 ? -1 : rowFor(view.chosen);
  scroller.setAttribute("aria-activedescendant", drawn.has(chosen) ? `r${chosen}` : "");
}

// Draws some rows anew: what else is there stays.
function redraw(...rows) {
  for (const at of rows) {
    drawn.get(at)?.remove();
    drawn.delete(at);
  }
  draw();
}

function drawRow(at, entry) {
  const answer = entry < 0, step = answer ? ~entry : entry;
  const row = make("div", { id: `r${at}`, className: `row ${looksOf(step, answer)}${at % 2 ? " odd" : ""}` });
  row.style.top = `${at * ROW}px`;
  row.dataset.step = entry;
  row.setAttribute("role", "row");
  row.setAttribute("aria-rowindex", at + 1);
  row.setAttribute("aria-level", depth[step] + 1);
  row.setAttribute("aria-label", spoken(step, answer));
  if (!answer) {
    row.setAttribute("aria-selected", step === view.chosen);
    if (canFold(step)) row.setAttribute("aria-expanded", !isShut(step) && !closedGroup(step));
  }
  row.append(drawOutline(step, answer), view.timed ? drawTime(step, answer) : drawLanes(step, answer));
  return row;
}

function looksOf(step, answer) {
  const looks = [answer ? "answer" : kind(step).replace(/[^a-z]/g, "")];
  if (has(step, FAILED)) looks.push("failed");
  else if (has(step, UNFINISHED) && !isNote(step)) looks.push("unfinished");
  if (boot.flags[step] & HEAD && !answer) looks.push("chapter");
  if (boot.flags[step] & UNAWAITED) looks.push("cast");
  if (held[step] >= LEAST * heldInAll) looks.push(held[step] >= 10 * LEAST * heldInAll ? "hot critical" : "critical");
  if (step === view.chosen && !answer) looks.push("chosen");
  if (hits.set[step] && !answer) looks.push("hit");
  return looks.join(" ");
}

function spoken(step, answer) {
  const [source, target] = [boot.lanes[boot.source[step]], boot.lanes[boot.target[step]]];
  if (answer) return `answer to ${visible(address(step))}, ${target} to ${source}, ${span(boot.took[step])}`;
  const failed = has(step, FAILED) ? "failed, " : "";
  return visible(`${address(step)}, ${source}${source === target ? "" : ` to ${target}`}: ${said(step)}, ${failed}${extra(step)}`);
}

// Between services a group's members differ: it says each of them once, as far as there is room.
function said(step) {
  if (view.level !== 0 || !closedGroup(step)) return label(step);
  const names = new Set();
  for (let one = step, left = groupSize[step]; left && one < count; one++) {
    if (!shown[one] || groupHead[one] !== step) continue;
    names.add(label(one));
    left--;
  }
  const text = [...names].join(", ");
  return text.length > 72 ? `${text.slice(0, 70)}…` : text;
}

function extra(step, timed = true) {
  const links = boot.links[step];
  const parts = [];
  if (closedGroup(step)) parts.push(`×${groupSize[step]}`);
  if (links?.[0].length) parts.push(`→ ${links[0].slice(0, 4).join(", ")}${links[0].length > 4 ? " …" : ""}`);
  if (links?.[1]) parts.push(`← ${links[1]}`);
  if (has(step, UNFINISHED) && !isNote(step)) parts.push("… unfinished");
  else if (timed) {  // else its answer has a row of its own, with the time
    const took = closedGroup(step) ? groupTook[step] : boot.took[step];
    const crosses = boot.source[step] !== boot.target[step];
    if (took >= 1e6 || (crosses && took > 0)) parts.push(`${span(took)}${closedGroup(step) ? " together" : ""}`);
  }
  if (isShut(step) && boot.size[step]) parts.push(`+${boot.size[step]}`);
  else if (hiddenCalls[step]) parts.push(`+${plural(hiddenCalls[step], "call")}`);
  return visible(parts.join("  "));
}

const canFold = (step) => holds[step] === 1 || groupSize[groupHead[step]] > 1 || hiddenCalls[step] + hiddenNotes[step] > 0;

function drawOutline(step, answer) {
  const cell = make("div", { className: "tree" });
  cell.setAttribute("role", "gridcell");
  if (answer) {
    cell.append(indent(depth[step]), make("span", { className: "text", textContent: place.outline ? `answer to ${tail(address(step))}` : "" }));
    return cell;
  }
  if (place.outline) cell.append(indent(depth[step]));
  const sign = closedGroup(step) || isShut(step) ? "▸" : holds[step] ? "▾" : hiddenCalls[step] + hiddenNotes[step] ? "▹" : "";
  cell.append(make("span", { className: "fold", textContent: sign }));
  const outlined = view.level === 0 && closedGroup(step) ? said(step) : title(step);
  const last = closedGroup(step) ? ` ×${groupSize[step]}` : "";
  cell.append(make("span", { className: "address", textContent: visible(tail(address(step))), title: visible(address(step)) }));
  if (place.outline) cell.append(make("span", { className: "text", textContent: outlined, title: outlined }));
  if (last) cell.append(make("span", { className: "times", textContent: last }));
  const share = held[step] / heldInAll;
  if (document.body.classList.contains("path") && share >= LEAST) {
    cell.append(make("span", { className: "held", textContent: `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`, title: `held the boot up for ${span(held[step])}` }));
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
  element.style.width = `${Math.min(level, 18) * (place.tree < NARROW ? 6 : 11)}px`;
  return element;
}

// Of a long address its end, which tells it from its neighbours.
function tail(text) {
  const most = place.tree < NARROW ? 12 : 20;
  return text.length < most ? text : `…${text.slice(2 - most)}`;
}
