// The panel beside the picture: all details of the chosen step.

const panel = document.getElementById("panel");

function showPanel(step, target = step) {
  panel.dataset.step = address(target);
  const close = make("button", { type: "button", className: "shut", textContent: "×", title: "Esc" });
  close.setAttribute("aria-label", "close the details");
  close.addEventListener("click", hidePanel);
  const far = farSide[step];
  panel.scrollTop = 0;
  panel.replaceChildren(close, make("h2", { textContent: visible(title(step)) }), ...factsOf(step));
  if (far >= 0) panel.append(make("h3", { textContent: "At the receiver" }), ...factsOf(far));
  panel.append(...notesOf(step), ...(far >= 0 ? notesOf(far) : []));
  if (panel.hidden) {
    panel.hidden = false;
    resized();
  }
}

function hidePanel() {
  if (panel.hidden) return;
  panel.hidden = true;
  resized();
  scroller.focus();
}

function factsOf(step) {
  const known = details(step);
  const facts = make("dl");
  const put = (name, ...value) => facts.append(make("dt", { textContent: visible(name) }), make("dd", {}, ...value));
  put("address", link(address(step)));
  put("kind", `${kind(step)}, ${boot.lanes[boot.source[step]]}${boot.source[step] === boot.target[step] ? "" : ` → ${boot.lanes[boot.target[step]]}`}`);
  put("time", timing(step));
  const [opens, openedBy] = boot.links[step] ?? [[], ""];
  if (opens.length) put("opens", ...opens.flatMap((opened) => [link(opened), " "]));
  if (openedBy) put("opened by", link(openedBy));
  const where = [known.host && `host ${known.host}`, known.pid && `pid ${known.pid}`, known.thread !== "0" && `thread ${known.thread}`];
  put("ran in", visible([known.service, ...where.filter(Boolean)].join(", ")));
  if (known.request) put("request", visible(known.request));
  if (known.global && known.global !== known.request) put("global request", visible(known.global));
  put("seen by", visible(known.witnesses));
  if (known.tiedBy) put("belongs here", visible(known.tiedBy));
  const parts = [facts];
  if (known.error !== null) parts.push(make("h3", { textContent: boot.flags[step] & HANDLED ? "Error, handled" : "Error" }), block(known.error, "error"));
  return [...parts, ...attributesOf(known)];
}

function timing(step) {
  const began = `${(boot.start[step] / 1e9).toFixed(6)} s after the start`;
  const took = boot.took[step] < 0 ? "unfinished" : boot.took[step] ? `took ${span(boot.took[step])}` : "";
  const work = step in boot.work ? `the work that it started took ${span(boot.work[step])}` : "";
  const critical = step in boot.critical ? `${span(boot.critical[step])} of it on the critical path` : "";
  return [began, took, work, critical].filter(Boolean).join(", ");
}

function attributesOf({ statement, attributes: { parameters, ...others } }) {
  const parts = [];
  if (statement !== null) parts.push(make("h3", { textContent: "Statement" }), block(statement, "statement"));
  if (parameters !== undefined && parameters !== null) parts.push(make("h3", { textContent: "Parameters" }), parameterList(parameters));
  const names = Object.keys(others).filter((name) => others[name] !== null && others[name] !== "");
  if (!names.length) return parts;
  const list = make("dl");
  for (const name of names) list.append(make("dt", { textContent: visible(name) }), make("dd", {}, value(others[name])));
  return [...parts, make("h3", { textContent: "Attributes" }), list];
}

function value(data) {
  if (Array.isArray(data) && data.length && data.every((item) => item !== null && typeof item !== "object")) data = data.join(", ");
  if (data === null || typeof data !== "object") return make("span", { textContent: visible(data) });
  return block(JSON.stringify(data, null, 1));
}

// A text of many lines, which can be scrolled with keys too.
const block = (text, className = "") => make("pre", { className, textContent: visible(text), tabIndex: 0 });

// Parameters by name, or by position for a statement's placeholders.
function parameterList(parameters) {
  if (parameters === null || typeof parameters !== "object") return value(parameters);
  const list = make("dl", { className: "parameters" });
  const names = Array.isArray(parameters) ? parameters.map((_, index) => index + 1) : Object.keys(parameters);
  Object.values(parameters).forEach((data, index) => list.append(make("dt", { textContent: visible(names[index]) }), make("dd", {}, value(data))));
  return list;
}

const MAX_NOTES = 200;

// Return the SQL, states, log and ask lines directly inside a step.
function notesOf(step) {
  const notes = [];
  for (let child = step + 1; child <= step + boot.size[step]; child += boot.size[child] + 1) {
    if (isNote(child)) notes.push(child);
  }
  if (!notes.length) return [];
  const list = make("ol", { className: "notes" });
  for (const note of notes.slice(0, MAX_NOTES)) {
    list.append(make("li", { className: kind(note).replace(/[^a-z]/g, "") }, link(address(note), visible(title(note)))));
  }
  const rest = notes.length > MAX_NOTES ? [make("p", { textContent: `and ${notes.length - MAX_NOTES} more: level “all” shows them` })] : [];
  return [make("h3", { textContent: `Noted in it: ${notes.length}` }), list, ...rest];
}

function link(to, text = visible(to)) {
  return make("a", { href: `#${fragment(to)}`, textContent: text });
}
