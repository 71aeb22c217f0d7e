// The minimap on the right edge: each row as a line in its service's colour, and the part on screen.

const minimap = document.getElementById("minimap");
const strip = make("canvas");  // all rows; the part on screen is painted over a copy
let frame = 0, fresh = false;

// Painted after the rows; the strip only if they have changed.
function drawMinimap(changed = true) {
  if (changed) fresh = false;
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => setTimeout(paintMinimap));
}

function paintMinimap() {
  if (!fresh) paintStrip();
  fresh = true;
  const { clientWidth: width, clientHeight: height } = minimap;
  minimap.width = strip.width;
  minimap.height = strip.height;
  const brush = minimap.getContext("2d");
  if (strip.width && strip.height) brush.drawImage(strip, 0, 0);
  brush.scale(devicePixelRatio || 1, devicePixelRatio || 1);
  const high = height / Math.max(view.rows.length, height / 3);
  brush.fillStyle = brush.strokeStyle = dark.matches ? "rgb(255 255 255 / .6)" : "rgb(9 105 218 / .7)";
  const top = (scroller.scrollTop / ROW) * high, tall = Math.max(6, (scroller.clientHeight / ROW) * high);
  brush.strokeRect(0.5, top + 0.5, width - 1, tall - 1);
  brush.globalAlpha = 0.12;
  brush.fillRect(0, top, width, tall);
}

function paintStrip() {
  const { clientWidth: width, clientHeight: height } = minimap;
  const scale = devicePixelRatio || 1;
  strip.width = width * scale;
  strip.height = height * scale;
  const brush = strip.getContext("2d");
  brush.scale(scale, scale);
  const rows = view.rows;
  const high = height / Math.max(rows.length, height / 3);  // at most three pixels per row
  const step = Math.max(1, Math.floor(rows.length / (height * 2)));
  const most = Math.max(1, ...geometry.xs);
  for (let index = 0; index < rows.length; index += step) paintRow(brush, rows[index], index * high, Math.max(high * 0.8, 0.7), width, most);
  brush.fillStyle = dark.matches ? "#ffd33d" : "#bf8700";
  for (const hit of hits.steps) brush.fillRect(width - 5, rowFor(hit) * high, 5, Math.max(high, 2));
}

function paintRow(brush, entry, y, high, width, most) {
  const step = entry < 0 ? ~entry : entry;
  const scaled = (x) => 3 + (x / most) * (width - 12);
  const [a, b] = [boot.source[step], boot.target[step]].map((lane) => scaled(geometry.xs[lane]));
  brush.globalAlpha = entry < 0 ? 0.3 : 1;
  brush.fillStyle = failed(step) ? "#cf222e" : tones[boot.target[step]];
  if (boot.flags[step] & HEAD) brush.fillRect(0, y, width, Math.max(high, 1.5));
  else brush.fillRect(Math.min(a, b), y, Math.max(Math.abs(a - b), 4), high);
  brush.globalAlpha = 1;
}

function follow(event) {
  if (!(event.buttons & 1)) return;
  const high = minimap.clientHeight / Math.max(view.rows.length, minimap.clientHeight / 3);
  const row = (event.clientY - minimap.getBoundingClientRect().top) / high;
  scroller.scrollTop = row * ROW - scroller.clientHeight / 2;
}

minimap.addEventListener("pointerdown", (event) => {
  minimap.setPointerCapture(event.pointerId);
  follow(event);
});
minimap.addEventListener("pointermove", follow);
