// Shows of the menu of tenants what has the typed letters in it; Enter goes to the first. Without scripts all are there.
(() => {
  "use strict";
  const field = document.querySelector("[data-finds]");
  const rows = [...document.querySelectorAll(field.dataset.finds)];
  field.parentElement.hidden = false;

  field.addEventListener("input", () => {
    const typed = field.value.trim().toLocaleLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(typed);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") rows.find((row) => !row.hidden)?.querySelector("a").click();
  });
  field.closest("details").addEventListener("toggle", (event) => {
    if (event.target.open) field.focus();
  });
})();
