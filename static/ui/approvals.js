// The queue by keyboard. Every key presses a button or opens a part that is on the page already; without scripts there
// are the buttons.
(() => {
  "use strict";
  let cards = [...document.querySelectorAll(".approval")];
  const help = document.querySelector("[data-keys]");
  const isOn = document.querySelector("[data-keys-on]");
  const PLACE = "approvals-place";
  const OFF = "approvals-keys-off";

  const place = () => cards.indexOf(document.activeElement?.closest(".approval"));

  function go(to) {
    if (!cards.length) return;
    const card = cards[Math.max(0, Math.min(to, cards.length - 1))];
    for (const each of cards) each.removeAttribute("aria-current");
    card.setAttribute("aria-current", "true");
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  function open(card, key) {
    const part = card.querySelector(`details[data-key="${key}"]`);
    if (!part) return;
    part.open = true;
    part.querySelector("select, input:not([type=hidden])").focus();
  }

  function press(key) {
    const at = place();
    if (key === "j") go(at + 1);
    else if (key === "k") go(at - 1);
    else if (key === "z") document.querySelector("form[data-key=z]")?.requestSubmit();
    else if (key === "?") help.open = !help.open;
    else if (at < 0) return false;
    else if (key === "a") cards[at].querySelector("form[data-key=a]")?.requestSubmit();
    else if ("dec".includes(key)) open(cards[at], key);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && place() >= 0) go(place());
    const isTyped = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (isTyped || !isOn.checked || event.key.length !== 1) return;
    if (press(event.key.toLowerCase())) event.preventDefault();
  });

  document.addEventListener("htmx:after:swap", () => (cards = [...document.querySelectorAll(".approval")]));

  // The page comes anew after each decision: it goes on at the card that took the place of the one that was decided.
  document.addEventListener("submit", (event) => {
    const at = cards.indexOf(event.target.closest(".approval"));
    sessionStorage.setItem(PLACE, String(Math.max(at, 0)));
  });
  const kept = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  help.hidden = false;
  isOn.checked = localStorage.getItem(OFF) === null;
  isOn.addEventListener("change", () => {
    if (isOn.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  const flawed = cards.findIndex((card) => card.querySelector(".errorlist"));
  const named = cards.findIndex((card) => `#${card.id}` === location.hash);
  if (flawed >= 0) go(flawed);
  else if (named >= 0) go(named);
  else if (kept !== null) go(Number(kept));
})();
