// Copies the text that a button carries, and says so in its place for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = [...button.childNodes];
  button.disabled = true;
  button.replaceChildren(button.dataset.done);
  setTimeout(() => {
    button.replaceChildren(...words);
    button.disabled = false;
  }, 1500);
});
