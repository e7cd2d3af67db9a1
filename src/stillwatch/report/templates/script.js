"use strict";
// Sorting, filtering and reading out: the report is complete without any of it.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const key = (row, column) => {
    const text = row.cells[column].innerText.trim();
    const number = Number(text.replace(/[,%]/g, "").replace("\u2212", "-"));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1));
      if (down) rows.reverse();
      body.append(...rows.map(([, row]) => row));
    });
  });
}
for (const box of document.querySelectorAll(".filter")) {
  const input = box.querySelector("input");
  const found = box.querySelector("output");
  const body = document.getElementById(input.dataset.table).tBodies[0];
  box.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown += 1;
    }
    found.textContent = wanted === "" ? "" : `${shown} of ${body.rows.length} shown`;
  });
}
for (const figure of document.querySelectorAll("figure")) {
  const line = figure.querySelector(".readout");
  if (!line) continue;
  const idle = line.textContent;
  const tell = (event) => {
    const hot = event.target.closest(".hot");
    line.textContent = hot ? hot.querySelector("title").textContent : idle;
  };
  figure.addEventListener("pointerover", tell);
  figure.addEventListener("pointerdown", tell);
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open]):not(.bulk)")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
