// Keys, filters, printing, event listeners, and the start of the page.

const screen = () => Math.max(1, Math.floor(scroller.clientHeight / ROW) - 3);
const KEYS = {
  ArrowDown: ["the next row", () => move(1)],
  ArrowUp: ["the row before", () => move(-1)],
  ArrowRight: ["unfold, or go inside", inward],
  ArrowLeft: ["fold, or go to what is around", outward],
  PageDown: ["a screen down", () => move(screen())],
  PageUp: ["a screen up", () => move(-screen())],
  Home: ["the first row", () => move(-view.rows.length)],
  End: ["the last row", () => move(view.rows.length)],
  Enter: ["details of the row, or a group opened", () => view.chosen >= 0 && (unfold(view.chosen) || showPanel(view.chosen))],
  "/": ["search", () => field.focus()],
  n: ["the next hit", () => nextHit(1)],
  N: ["the hit before", () => nextHit(-1)],
  1: ["the story", () => setLevel(0)],
  2: ["RPC + HTTP", () => setLevel(1)],
  3: ["+ calls", () => setLevel(2)],
  4: ["+ SQL", () => setLevel(3)],
  5: ["all", () => setLevel(4)],
  t: ["sequence or time", () => setView(!view.timed)],
  o: ["outline beside it", toggleOutline],
  c: ["the critical path: marked, alone, not", toggleCritical],
  "?": ["these keys", showKeys],
  Escape: ["close what is open", closeTop],
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(KEYS, event.key)) return;
  if (event.target.closest("input[type=search], dialog")) return;
  // On a control, arrows and Enter belong to the control.
  if (event.key.length > 1 && event.key !== "Escape" && event.target.closest("input, button, summary, a, pre")) return;
  event.preventDefault();
  KEYS[event.key][1]();
});

function showKeys() {
  const list = make("dl");
  for (const [key, [what]] of Object.entries(KEYS)) list.append(make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: what }));
  const dialog = document.getElementById("keys");
  dialog.replaceChildren(make("h2", { textContent: "Keys" }), list, make("p", { textContent: "An address behind # in the page’s own address leads to that step." }));
  dialog.showModal();
}

// Fill the menu that hides participants and kinds of steps.
function makeFilter() {
  const card = document.querySelector("#filter .card");
  for (const [name, values, hidden] of [["Participants", boot.lanes, view.hiddenLanes], ["Kinds", boot.kinds, view.hiddenKinds]]) {
    const group = make("fieldset", {}, make("legend", { textContent: name }));
    values.forEach((text, number) => {
      const box = make("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(number); else hidden.add(number);
        document.getElementById("filter").classList.toggle("on", view.hiddenLanes.size + view.hiddenKinds.size > 0);
        refresh();
      });
      group.append(make("label", {}, box, visible(text)));
    });
    card.append(group);
  }
}

// Print every row, scaled to the paper; of a very long boot only the beginning, with a note.
const MAX_PRINTED = 2000;

function beforePrint() {
  geometry.printing = true;
  document.body.classList.add("printing");
  const all = view.rows;
  if (all.length > MAX_PRINTED) view.rows = all.slice(0, MAX_PRINTED);
  measure();
  draw(true);
  if (all.length > MAX_PRINTED) body.append(make("p", { className: "cut", textContent: `+${all.length - MAX_PRINTED} more rows, not printed: choose a lower level or fold` }));
  document.body.style.zoom = Math.min(1, 1040 / (geometry.tree + geometry.right));
}

function afterPrint() {
  geometry.printing = false;
  document.body.classList.remove("printing");
  document.body.style.zoom = "";
  body.querySelector(".cut")?.remove();
  refresh();
}

let scrollFrame = 0;
function resized() {
  measure();
  draw(true);
  drawMinimap();
}

scroller.addEventListener("scroll", () => {
  if (scrollFrame) return;
  scrollFrame = requestAnimationFrame(() => {
    scrollFrame = 0;
    draw();
    drawMinimap(false);
  });
}, { passive: true });
addEventListener("resize", resized);
dark.addEventListener("change", resized);
small.addEventListener("change", resized);
addEventListener("hashchange", goToHash);
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
for (const radio of document.querySelectorAll("#levels input")) radio.addEventListener("change", () => setLevel(LEVELS.indexOf(radio.value)));
for (const radio of document.querySelectorAll("#views input")) radio.addEventListener("change", () => setView(radio.value === "time"));
document.getElementById("drawer").addEventListener("click", toggleDrawer);
document.getElementById("outline").addEventListener("click", toggleOutline);
document.getElementById("critical").addEventListener("click", toggleCritical);
document.getElementById("help").addEventListener("click", showKeys);
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.getElementById("waiting").remove();
setLevel(view.level);
makeFilter();
requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
// A deep link needs the details, which follow this script.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", goToHash);
else goToHash();
// Prepare the data of the first jump while the page is idle.
addEventListener("load", () => setTimeout(() => {
  linesOf("details");
  stepAt("");
}, 50));
// For tests and the console: the rows, the selected step, and jumps.
window.bootseq = { view, stepCount, reveal, stepAt, address, panelAddress: () => panel.dataset.step };
