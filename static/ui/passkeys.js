// Passkeys: asks the browser for one, and sends its answer with the form. Every word stands in the page already.
(() => {
  "use strict";
  const api = window.PublicKeyCredential;
  const isAble = Boolean(api && api.parseCreationOptionsFromJSON && api.parseRequestOptionsFromJSON);

  const ask = {
    get: (options) => navigator.credentials.get({ publicKey: api.parseRequestOptionsFromJSON(options) }),
    create: (options) => navigator.credentials.create({ publicKey: api.parseCreationOptionsFromJSON(options) }),
  };

  // A page that is open for long has an old challenge: where one can be fetched, it is fetched when it is needed.
  async function challenge(form) {
    const inPage = document.getElementById(form.dataset.options);
    if (inPage) return Object.values(JSON.parse(inPage.textContent))[0].publicKey;
    const response = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return (await response.json()).request_options.publicKey;
  }

  function say(form, word) {
    for (const sentence of form.querySelectorAll("[data-says]")) sentence.hidden = sentence.dataset.says !== word;
  }

  async function answer(form, button) {
    say(form, "");
    button.disabled = true;
    try {
      const credential = await ask[form.dataset.passkey](await challenge(form));
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch (error) {
      say(form, error.name === "InvalidStateError" ? "known" : "failed");
      button.disabled = false;
    }
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-asks]");
    button.hidden = !isAble;
    if (!isAble) say(form, "unable");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (isAble) answer(form, button);
    });
  }
})();
