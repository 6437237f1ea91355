// The queue by keyboard. Every key presses a button or opens a part that is on the page already; without scripts there
// are the buttons. What is decided is said in the place of its card, and the queue goes on at the next one.
(() => {
  "use strict";
  const all = () => [...document.querySelectorAll(".approval")];
  let cards = all();
  let acted = null;
  const help = document.querySelector("[data-keys]");
  const isOn = document.querySelector("[data-keys-on]");
  const said = document.querySelector("[data-said]");
  const failed = document.querySelector("[data-failed]");
  const PLACE = "approvals-place";
  const OFF = "approvals-keys-off";
  const READ = [200, 409, 422];

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

  // The list of what is decided says which decision was the last; it is taken back where its card was.
  function takeBack() {
    const last = document.querySelector("#decided form[data-key=z]");
    const forms = [...document.querySelectorAll(".told form[data-key=z]")];
    (forms.find((form) => form.action === last?.action) ?? last)?.requestSubmit();
  }

  function press(key) {
    const at = place();
    if (key === "j") go(at + 1);
    else if (key === "k") go(at - 1);
    else if (key === "z") takeBack();
    else if (key === "?") help.open = !help.open;
    else if (at < 0) return false;
    else if (key === "a") cards[at].querySelector("form[data-key=a]")?.requestSubmit();
    else if ("decs".includes(key)) open(cards[at], key);
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

  // A page that comes anew after a decision goes on at the card that took the place of the one that was decided.
  document.addEventListener("submit", (event) => {
    const part = event.target.closest(".approval, .told");
    const at = Math.max(cards.indexOf(part), 0);
    sessionStorage.setItem(PLACE, String(at));
    acted = part && { id: part.id.replace("told-", ""), at };
  });

  function say(part) {
    said.textContent = part?.textContent.trim() ?? "";
  }

  function lose() {
    if (!acted) return;
    acted = null;
    failed.hidden = false;
    say(failed);
  }

  function goOn({ id, at }) {
    const told = document.getElementById(`told-${id}`);
    const same = cards.findIndex((card) => card.id === id);
    say(told?.querySelector("p") ?? cards[same]?.querySelector(".errorlist"));
    if (cards.length) go(same < 0 ? at : same);
    else if (document.querySelector("#nothing .empty")) told?.focus();
    else location.reload();
  }

  document.addEventListener("htmx:before:response", (event) => {
    if (!acted || READ.includes(event.detail.ctx.response.status)) return;
    event.preventDefault();
    lose();
  });
  document.addEventListener("htmx:error", lose);
  document.addEventListener("htmx:after:swap", () => {
    cards = all();
    if (!acted) return;
    sessionStorage.removeItem(PLACE);
    failed.hidden = true;
    const before = acted;
    acted = null;
    goOn(before);
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
