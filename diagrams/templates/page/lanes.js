// The right side of a row: arrows between lanes and the bars of open steps, or a bar on the time axis.

function drawLanes(step, answer) {
  const cell = svg("svg", { class: "lanes", width: geometry.right, height: ROW, "aria-hidden": "true" });
  const around = chain(step);
  const opens = !answer && !isClosed(step);
  const bars = barsAt(around, answer ? step : -1);
  for (const bar of bars) cell.append(drawBar(bar, 0, bar.step === step && answer ? LINE : ROW));
  if (!answer) cell.append(svg("text", { class: "at", x: GUTTER - 12, y: 13 }, (boot.start[step] / 1e9).toFixed(3)));
  if (boot.source[step] === boot.target[step]) drawSelf(cell, step, bars, opens);
  else drawArrow(cell, step, answer, bars, opens);
  return cell;
}

// Return whether nothing is drawn inside a step; otherwise its bar continues below the row.
const isClosed = (step) => isShut(step) || !hasChildren[step];

function chain(step) {
  const steps = [];
  for (let ancestor = shownParent[step]; ancestor >= 0; ancestor = shownParent[ancestor]) steps.push(ancestor);
  return steps.reverse();
}

// Return the open bars of a row: one for each enclosing step, on the lane that runs it.
function barsAt(around, last) {
  const bars = [];
  const levels = new Map();
  for (const step of last >= 0 ? [...around, last] : around) {
    if (boot.flags[step] & UNAWAITED) continue;
    const lane = boot.target[step];
    const level = levels.get(lane) ?? 0;
    levels.set(lane, level + 1);
    bars.push({ step, lane, level });
  }
  return bars;
}

function drawBar({ lane, level }, from, to) {
  const x = geometry.xs[lane] - BAR / 2 + Math.min(level, MAX_SHIFTS) * SHIFT;
  const bar = svg("rect", { class: "bar", x, y: from, width: BAR, height: to - from });
  bar.style.fill = tones[lane];
  return bar;
}

// Return where an arrow meets a lane: at its outermost bar.
function edge(lane, bars, rightward) {
  const level = bars.reduce((most, bar) => (bar.lane === lane ? Math.max(most, bar.level + 1) : most), 0);
  if (!level) return geometry.xs[lane];
  return rightward ? geometry.xs[lane] + BAR / 2 + Math.min(level - 1, MAX_SHIFTS) * SHIFT : geometry.xs[lane] - BAR / 2;
}

function newBar(cell, step, bars, from) {
  const lane = boot.target[step];
  const level = bars.filter((bar) => bar.lane === lane).length;
  cell.append(drawBar({ lane, level }, from, ROW));
}

function drawSelf(cell, step, bars, opens) {
  const x = edge(boot.source[step], bars, true);
  if (opens) newBar(cell, step, bars, 4);
  write(cell, x + (opens ? 9 : 6), "start", label(step), suffix(step), bars);
}

function drawArrow(cell, step, answer, bars, opens) {
  const [source, target] = answer ? [boot.target[step], boot.source[step]] : [boot.source[step], boot.target[step]];
  const rightward = geometry.xs[target] > geometry.xs[source];
  const from = edge(source, bars, rightward), to = edge(target, bars, !rightward);
  const way = rightward ? 1 : -1;
  cell.append(svg("path", { class: "line", d: `M${from} ${LINE + 0.5}H${to}` }));
  if (kind(step) === "state") cell.append(svg("circle", { class: "tip", cx: to, cy: LINE + 0.5, r: 3 }));
  else cell.append(svg("path", { class: "tip", d: `M${to - 7 * way} ${LINE - 3}L${to} ${LINE + 0.5}L${to - 7 * way} ${LINE + 4}` }));
  // An answer without steps in between is drawn on the same row.
  if (!answer && answers(step) && !(opens && answered(step))) {
    cell.append(svg("path", { class: "back", d: `M${from + 5 * way} ${LINE - 2}L${from} ${LINE + 0.5}L${from + 5 * way} ${LINE + 3}` }));
  }
  if (opens && !(boot.flags[step] & UNAWAITED)) newBar(cell, step, bars, LINE);
  const text = answer ? span(boot.took[step]) : label(step);
  const more = answer ? "" : suffix(step, !(opens && answered(step)));
  // The label starts at the arrow's tail.
  if (rightward) write(cell, from + 6, "start", text, more, bars);
  else write(cell, from - 6, "end", text, more, bars);
}

// Write a label as long as its room: up to the next lane with an open bar, or the picture's edge. A cut one has a title.
function write(cell, x, anchor, text, more, bars) {
  const ahead = bars.map(({ lane }) => geometry.xs[lane]).filter((bar) => (anchor === "start" ? bar > x + BAR : bar < x - BAR));
  const room = anchor === "start" ? Math.min(geometry.right, ...ahead) - x - 6 : x - Math.max(GUTTER, ...ahead.map((bar) => bar + BAR * 3)) - 4;
  const whole = visible(text), wide = (part) => textWidth(part, "11px");
  const added = more && wide(whole.slice(0, 10)) + wide(`  ${more}`) <= room ? `  ${more}` : "";
  const fitted = cutTo(whole, room - wide(added), wide);
  const line = svg("text", { class: "label", x, y: 11, "text-anchor": anchor }, fitted);
  if (added) line.append(svg("tspan", { class: "more" }, added));
  if (fitted !== whole || (more && !added)) cell.append(svg("title", {}, [whole, more].filter(Boolean).join("  ")));
  cell.append(line);
}

// Return the text, cut with an ellipsis if it is wider than the room; at least its first characters.
function cutTo(text, room, wide) {
  if (wide(text) <= room) return text;
  let few = 3, many = Math.min(text.length, Math.ceil(room));
  while (few < many) {
    const middle = Math.ceil((few + many) / 2);
    if (wide(`${text.slice(0, middle)}…`) <= room) few = middle; else many = middle - 1;
  }
  return `${text.slice(0, few)}…`;
}

function drawTime(step, answer) {
  const cell = svg("svg", { class: "lanes", width: geometry.right, height: ROW, "aria-hidden": "true" });
  if (answer) return cell;
  const x = timeX(boot.start[step]);
  const took = lasted(step) < 0 ? Math.max(0, boot.duration - boot.start[step]) : lasted(step);
  const width = Math.max(2, timeX(boot.start[step] + took) - x);
  const lane = boot.source[step] === boot.target[step] || kind(step) === "state" ? boot.source[step] : boot.target[step];
  const bar = svg("rect", { class: "stretch", x, y: 5, width, height: ROW - 10, rx: 2 });
  bar.style.fill = tones[lane];
  cell.append(bar);
  const text = `${isNote(step) && took === 0 ? "" : span(lasted(step))}  ${boot.lanes[lane]}`;
  if (x + width + 130 < geometry.right) cell.append(svg("text", { class: "label", x: x + width + 5, y: 13.5 }, visible(text)));
  else cell.append(svg("text", { class: "label", x: x - 5, y: 13.5, "text-anchor": "end" }, visible(text)));
  return cell;
}
