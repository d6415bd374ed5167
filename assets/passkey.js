// Passkeys, where the browser has them: each form with data-passkey asks the authenticator and sends its answer.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

  const read = (json) => {
    const key = JSON.parse(json).publicKey;
    key.challenge = bytes(key.challenge);
    if (key.user) key.user.id = bytes(key.user.id);
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      for (const credential of key[name] || []) credential.id = bytes(credential.id);
    }
    return key;
  };

  const write = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      extensions: credential.getClientExtensionResults(),
    });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) {
      form.querySelector("[data-missing]").hidden = false;
      continue;
    }
    let waiting = null;
    const ask = async (mediation) => {
      if (waiting) waiting.abort();
      const own = (waiting = new AbortController());
      const request = { publicKey: read(form.dataset.options), signal: own.signal };
      if (mediation) request.mediation = mediation;
      const credential = await navigator.credentials[form.dataset.passkey](request);
      form.elements.credential.value = write(credential);
      HTMLFormElement.prototype.submit.call(form);
    };
    const offer = () => ask("conditional").catch(() => {});
    const refresh = async () => {
      const answer = await fetch(form.dataset.refresh, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      const fresh = await answer.json();
      form.dataset.options = fresh.options;
      form.elements.state.value = fresh.state;
    };

    const failed = form.querySelector("[data-failed]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      failed.hidden = true;
      ask().catch(() => {
        failed.hidden = false;
        if (form.dataset.refresh) offer();
      });
    });
    for (const part of form.querySelectorAll("[data-ready]")) part.hidden = false;

    const conditional = PublicKeyCredential.isConditionalMediationAvailable;
    if (form.dataset.refresh && conditional) {
      conditional.call(PublicKeyCredential).then((can) => {
        if (!can) return;
        offer();
        // A challenge counts for five minutes.
        setInterval(() => refresh().then(offer).catch(() => {}), 240000);
      });
    }
  }
})();
