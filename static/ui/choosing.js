// Rows that are ticked: how many, and all of the page at once, without asking for it anew. The list is exchanged in
// place, so that nothing of it is kept here.
(() => {
  "use strict";
  const boxes = () => [...document.querySelectorAll("input[form=chosen]")];

  function count() {
    const part = document.querySelector("[data-counts]");
    if (!part) return;
    part.hidden = false;
    part.querySelector("output").value = boxes().filter((box) => box.checked).length;
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-ticks]")) return;
    event.preventDefault();
    const every = boxes();
    const isAll = every.every((box) => box.checked);
    for (const box of every) box.checked = !isAll;
    count();
  });
  document.addEventListener("change", (event) => event.target.matches("input[form=chosen]") && count());
  document.addEventListener("htmx:after:swap", count);
  count();
})();
