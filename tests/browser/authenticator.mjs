// Owns the virtual authenticator of Chromium: the device behind a page that makes and keeps passkeys, without a person's finger.
// With presence it answers by itself, also what waits behind the autofill of a field; without, it waits for ever.

/**
 * Puts an authenticator behind one page. It is as a telephone is: it keeps passkeys and verifies whoever holds it. Without `autofill` the
 * browser is one of those that offer no passkeys behind a field, so that nothing is answered that nobody pressed for.
 */
export async function authenticator(page, { autofill = true } = {}) {
  await page.addInitScript((hasAutofill) => {
    if (!hasAutofill) PublicKeyCredential.isConditionalMediationAvailable = async () => false;
    const { get } = CredentialsContainer.prototype;
    CredentialsContainer.prototype.get = function (options) {
      window.isOffered = options.mediation === "conditional";
      return get.call(this, options);
    };
  }, autofill);
  const session = await page.context().newCDPSession(page);
  const send = (method, parameters = {}) => session.send(`WebAuthn.${method}`, parameters);
  await send("enable", { enableUI: false });
  const kind = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true };
  const options = { ...kind, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await send("addVirtualAuthenticator", { options });
  const own = (method, parameters) => send(method, { authenticatorId, ...parameters });
  return {
    /** Says whether somebody touches it. */
    setPresent: (enabled) => own("setAutomaticPresenceSimulation", { enabled }),
    /** Says whether the finger is the right one. */
    setVerified: (isUserVerified) => own("setUserVerified", { isUserVerified }),
    /** Waits until the page waits behind the autofill. */
    offered: () => page.waitForFunction(() => window.isOffered),
    passkeys: async () => (await own("getCredentials")).credentials,
    add: (credential) => own("addCredential", { credential }),
    remove: ({ credentialId }) => own("removeCredential", { credentialId }),
  };
}
