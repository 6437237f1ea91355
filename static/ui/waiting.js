// Looks every few seconds whether somebody decided, and goes on once it is so. Without scripts there is a link.
const link = document.querySelector("[data-look-every]");

async function look() {
  const answer = await fetch(link.href, { redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.assign(link.href);
}

setInterval(look, link.dataset.lookEvery * 1000);
