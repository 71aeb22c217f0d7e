"use strict";
{
  const tools = document.querySelector(".tools");
  const search = document.querySelector("#filter");
  const changed = document.querySelector("#changed");
  const count = document.querySelector("#count");
  const rows = [...document.querySelectorAll(".steps tbody tr")];
  const texts = rows.map((row) => row.cells[0].textContent.toLowerCase());

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const matches = words.every((word) => texts[index].includes(word));
      row.hidden = !matches || (changed.checked && !row.className);
      shown += !row.hidden;
    });
    count.textContent = `${shown} of ${rows.length} steps`;
  }

  tools.hidden = false;
  search.addEventListener("input", filter);
  changed.addEventListener("change", filter);
  filter();
}
