// Owns an identity provider that somebody else wrote, `oidc-provider`, as operators run them: login and consent pages of its own,
// RP-initiated logout, and back-channel logout to Keymaker (spec areas 16.3 and 18).
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

/** How Keymaker knows the provider. */
export const PROVIDER = "company";

/** Serves the provider at `issuer` for the Keymaker at `base`. Whoever signs in there has the name that they type. */
export async function serveProvider({ issuer, base, clientId, clientSecret }) {
  const at = (path) => new URL(path, base).href;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [at(`upstream/callback/${PROVIDER}`)],
        post_logout_redirect_uris: [at(`upstream/logout/${PROVIDER}`)],
        backchannel_logout_uri: at(`upstream/backchannel-logout/${PROVIDER}`),
        backchannel_logout_session_required: true,
        grant_types: ["authorization_code"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    // It guards itself against addresses of this machine, where the story is.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({
        sub: accountId,
        preferred_username: accountId,
        name: `${accountId} of the company`,
        email: `${accountId}@example.org`,
        email_verified: true,
      }),
    }),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "company-1", use: "sig", alg: "RS256" }] },
  });
  // Its pages ask for fonts from elsewhere.
  provider.use(async (context, next) => {
    await next();
    if (typeof context.body === "string") context.body = context.body.replaceAll(/@import [^;]+;/g, "");
  });
  const problems = [];
  for (const event of ["server_error", "backchannel.error", "authorization.error", "grant.error", "end_session.error"]) {
    provider.on(event, (...said) => problems.push(`${event}: ${said.map((part) => part?.error_description ?? part?.message ?? "").join(" ")}`));
  }
  const told = [];
  provider.on("backchannel.success", (_, client, accountId, sid) => told.push({ accountId, sid }));
  const server = provider.listen(new URL(issuer).port, "127.0.0.1");
  await new Promise((ready) => server.on("listening", ready));
  return { told, problems, close: () => server.close() };
}
