// The boot's data. Steps are numbers, in the order of the tree: parents before their children.
// Columns are parsed when the page opens; a step's details (attributes, error) are a line of text, parsed when needed.

const boot = JSON.parse(document.getElementById("columns").textContent);
const count = boot.size.length;
const FAILED = 1, UNFINISHED = 2, UNAWAITED = 4, FAR = 8, HEAD = 16, HANDLED = 32, STORY = 64;

const parent = new Int32Array(count).fill(-1);
const farSide = new Int32Array(count).fill(-1);  // the receiving side, drawn as one arrow with its sender

for (let step = 0; step < count; step++) {
  const end = step + boot.size[step];
  for (let child = step + 1; child <= end; child += boot.size[child] + 1) {
    parent[child] = step;
    if (boot.flags[child] & FAR) farSide[step] = child;
  }
}

const label = (step) => boot.strings[boot.label[step]];
const title = (step) => boot.strings[boot.title[step]];
const kind = (step) => boot.kinds[boot.kind[step]];
const isNote = (step) => ["sql", "log", "ask", "state"].includes(kind(step));
const has = (step, flag) => (boot.flags[step] & flag) !== 0
  || (farSide[step] >= 0 && flag <= UNFINISHED && (boot.flags[farSide[step]] & flag) !== 0);

// Return whether an error of the step, or of its receiving side, was not handled on the way.
const failed = (step) => [step, farSide[step]].some((end) => end >= 0 && (boot.flags[end] & (FAILED | HANDLED)) === FAILED);
const handled = (step) => has(step, FAILED) && !failed(step);

// A message lasts until the work that it started is done.
const lasted = (step) => boot.work[step] ?? boot.took[step];

function address(step) {
  const own = boot.address[step];
  if (typeof own === "string") return own;
  return address(parent[step]) + (own > 0 ? `-${own}` : `/${-own}`);
}

// Return the URL fragment of an address; a forged one may contain lone surrogates.
const fragment = (text) => encodeURIComponent(text.toWellFormed()).replaceAll("%2F", "/");

let stepsByAddress = null;  // step by address

function stepAt(text) {
  if (!stepsByAddress) {
    stepsByAddress = new Map();
    const known = new Array(count);
    for (let step = 0; step < count; step++) {
      const own = boot.address[step];
      known[step] = typeof own === "string" ? own : known[parent[step]] + (own > 0 ? `-${own}` : `/${-own}`);
      stepsByAddress.set(known[step], step);
    }
  }
  return stepsByAddress.get(text) ?? -1;
}

const blocks = {};

function linesOf(id) {
  // The blocks follow the script, so that rows are painted before the blocks are parsed.
  return blocks[id] ??= document.getElementById(id)?.textContent.split("\n") ?? [];
}

function details(step) {
  const [attributes, error, number] = JSON.parse(linesOf("details")[step] ?? "[{},null]");
  const statement = number === undefined ? null : JSON.parse(linesOf("statements")[number]);
  const [service, host, pid, thread, request, global, witnesses, tiedBy] = boot.origins[boot.origin[step]];
  return { attributes, statement, error, service, host, pid, thread, request, global, witnesses, tiedBy };
}

function span(nanoseconds) {
  if (nanoseconds < 0) return "unfinished";
  if (nanoseconds < 999500) return `${(nanoseconds / 1e3).toFixed(0)} µs`;
  if (nanoseconds < 999500000) return `${Number((nanoseconds / 1e6).toPrecision(3))} ms`;
  if (nanoseconds < 59950000000) return `${Number((nanoseconds / 1e9).toPrecision(3))} s`;
  const seconds = Math.round(nanoseconds / 1e9);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

// Control, zero-width and bidirectional characters, which are shown escaped.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function visible(text) {
  return String(text).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function make(tag, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}
