// Passkeys: asks the browser for one, and sends its answer with the form. Every word stands in the page already.
(() => {
  "use strict";
  const api = window.PublicKeyCredential;
  const isAble = Boolean(api && api.parseCreationOptionsFromJSON && api.parseRequestOptionsFromJSON);
  let offer = null;
  let asked = Promise.resolve();

  const ask = {
    get: (options) => navigator.credentials.get({ publicKey: api.parseRequestOptionsFromJSON(options) }),
    create: (options) => navigator.credentials.create({ publicKey: api.parseCreationOptionsFromJSON(options) }),
  };

  // A page that is open for long has an old challenge: where one can be fetched, it is fetched when it is needed.
  async function newest(form) {
    const inPage = document.getElementById(form.dataset.options);
    if (inPage) return Object.values(JSON.parse(inPage.textContent))[0].publicKey;
    const response = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return (await response.json()).request_options.publicKey;
  }

  // One after the other: the session keeps the challenge that came last.
  function challenge(form) {
    asked = asked.catch(() => {}).then(() => newest(form));
    return asked;
  }

  function say(form, word) {
    for (const sentence of form.querySelectorAll("[data-says]")) sentence.hidden = sentence.dataset.says !== word;
  }

  function send(form, credential) {
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  }

  async function answer(form, button) {
    say(form, "");
    button.disabled = true;
    offer?.abort();
    try {
      send(form, await ask[form.dataset.passkey](await challenge(form)));
    } catch (error) {
      say(form, error.name === "InvalidStateError" ? "known" : "failed");
      button.disabled = false;
    }
  }

  // A browser that can lists its passkeys where the e-mail is typed, and waits in silence for one to be chosen.
  async function offerIn(form) {
    if (!(await api.isConditionalMediationAvailable?.())) return;
    offer?.abort();
    const { signal } = (offer = new AbortController());
    try {
      const publicKey = api.parseRequestOptionsFromJSON(await challenge(form));
      if (signal.aborted) return;
      send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
    } catch {
      // Nobody chose one, or another tab has asked since: the page is what it was.
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
    if (!isAble || !document.querySelector("[autocomplete~=webauthn]")) continue;
    offerIn(form);
    // The challenge belongs to the session, and another tab of it may have had a newer one.
    document.addEventListener("visibilitychange", () => document.hidden || button.disabled || offerIn(form));
  }
})();
