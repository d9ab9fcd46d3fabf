"use strict";
// Sorting and filtering. Without it all rows are there, in the order in which they matter.
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

for (const table of document.querySelectorAll("table[data-tools]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  if (rows.length < 2) continue;

  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      const down = head.ariaSort === "ascending";
      const order = down ? -1 : 1;
      const keyed = rows.map((row) => [row.cells[column].textContent, row]);
      keyed.sort(([one], [other]) => order * collator.compare(one, other));
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = down ? "descending" : "ascending";
      body.append(...keyed.map(([, row]) => row));
    });
    head.replaceChildren(button);
  });

  const texts = rows.map((row) => row.textContent.toLowerCase());
  const label = document.createElement("label");
  const input = document.createElement("input");
  const shown = document.createElement("output");
  input.type = "search";
  input.autocomplete = "off";
  label.append("Show only rows with ", input);
  const tools = document.createElement("p");
  tools.className = "tools";
  tools.append(label, shown);
  table.before(tools);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/);
    let count = 0;
    rows.forEach((row, at) => {
      row.hidden = !wanted.every((word) => texts[at].includes(word));
      count += row.hidden ? 0 : 1;
    });
    shown.textContent = input.value ? `${count} of ${rows.length} shown` : "";
  });
}
