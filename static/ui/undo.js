// Z takes back what was ended last, where the page holds a button for it. Whoever wants no single keys unticks them, here
// or in the queue of approvals.
(() => {
  "use strict";
  const OFF = "approvals-keys-off";
  const isOn = document.querySelector("[data-keys-on]");
  document.querySelector("[data-key-z]").hidden = false;
  isOn.checked = localStorage.getItem(OFF) === null;
  isOn.addEventListener("change", () => {
    if (isOn.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.toLowerCase() !== "z") return;
    if (!isOn.checked || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    event.preventDefault();
    document.querySelector("form[data-key=z]").requestSubmit();
  });
})();
