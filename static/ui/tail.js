// Asks every two seconds for what is newer, while somebody watches: not where the page is hidden, or the newest line is
// out of sight. The address says #live while it does; a list that is narrowed anew begins without.
(() => {
  "use strict";
  const MOST = 500;
  const part = (name) => document.querySelector(name ? `.tailing ${name}` : ".tailing");
  const isOn = () => part("[data-tail]")?.getAttribute("aria-pressed") === "true";
  let said = "";

  function say(words) {
    if (words === said) return;
    said = words;
    part("[role=status]").textContent = words;
  }

  function turn(on) {
    part("[data-tail]").setAttribute("aria-pressed", String(on));
    history.replaceState(history.state, "", on ? "#live" : location.pathname + location.search);
    say(on ? part("").dataset.on : "");
  }

  function look() {
    const button = part("[data-tail]");
    if (button) button.hidden = false;
    if (!isOn() || document.hidden) return;
    const line = document.getElementById("tail");
    if (document.querySelectorAll(".arrived").length > MOST) turn(false);
    else if (line.getBoundingClientRect().bottom < 0) say(part("").dataset.paused);
    else {
      if (said === part("").dataset.paused) say(part("").dataset.on);
      line.dispatchEvent(new Event("look"));
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-tail]")) turn(!isOn());
  });
  document.addEventListener("htmx:after:swap", () => {
    const words = document.getElementById("tail")?.dataset.said;
    if (isOn() && words) say(`${new Date().toLocaleTimeString()}: ${words}`);
  });
  document.addEventListener("DOMContentLoaded", () => {
    look();
    if (location.hash === "#live" && part("[data-tail]")) turn(true);
  });
  setInterval(look, 2000);
})();
