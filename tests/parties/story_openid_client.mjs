// The certified library openid-client signs somebody in, believes what it is told, refreshes and signs out: as a client of the
// configuration, and as one that registers itself.
import assert from "node:assert/strict";
import * as client from "openid-client";
import { Browser } from "./browser.mjs";

const env = process.env;
const issuer = new URL(env.KEYMAKER_ISSUER);
const redirectUri = env.KEYMAKER_REDIRECT_URI;
const afterLogout = env.KEYMAKER_POST_LOGOUT_REDIRECT_URI;

/** The whole trip of one configuration, in one response mode. */
async function trip(config, { mode, pushed = false }) {
  const browser = new Browser();
  const verifier = client.randomPKCECodeVerifier();
  const expected = { expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const parameters = {
    redirect_uri: redirectUri,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    max_age: "600",
    ...(mode && { response_mode: mode }),
  };
  const url = pushed
    ? await client.buildAuthorizationUrlWithPAR(config, parameters)
    : client.buildAuthorizationUrl(config, parameters);
  if (pushed) assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request_uri"]);
  const left = await browser.go(url);
  assert.ok(left.url.href.startsWith(redirectUri), `${left.url} ${left.html}`);
  assert.equal(Boolean(left.fields), mode === "form_post");
  const answer = left.fields ? new Request(left.url, { method: "POST", body: left.fields }) : left.url;
  const tokens = await client.authorizationCodeGrant(config, answer, {
    ...expected,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
    maxAge: 600,
  });
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer.href);
  assert.ok(claims.at_hash && claims.auth_time, JSON.stringify(claims));

  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(person.preferred_username, env.KEYMAKER_USER);
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, "somebody-else"));

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(refreshed.access_token, tokens.access_token);
  assert.equal(refreshed.claims().sub, claims.sub);
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true);

  const state = client.randomState();
  const out = await browser.go(
    client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: afterLogout, state }),
  );
  assert.equal(out.url.href, `${afterLogout}?state=${state}`);
  const silent = client.buildAuthorizationUrl(config, {
    ...parameters, response_mode: "query", prompt: "none", nonce: client.randomNonce(),
  });
  assert.equal((await browser.go(silent)).url.searchParams.get("error"), "login_required");

  await client.tokenRevocation(config, refreshed.refresh_token ?? refreshed.access_token);
  await assert.rejects(client.fetchUserInfo(config, refreshed.access_token, claims.sub));
}

/** The library verifies the signature of the ID token too, although it came over TLS. */
function strict(config) {
  client.enableNonRepudiationChecks(config);
  return config;
}

const secret = env.KEYMAKER_CLIENT_SECRET;
const basic = await client.discovery(issuer, env.KEYMAKER_CLIENT_ID, secret, client.ClientSecretBasic(secret));
const methods = basic.serverMetadata().token_endpoint_auth_methods_supported;
await trip(strict(basic), {});
await trip(basic, { mode: "form_post" });
await trip(basic, { pushed: true });

const registration = {
  client_name: "The forum",
  client_uri: new URL("/", redirectUri).href,
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [afterLogout],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};
assert.ok(methods.includes("client_secret_basic") && methods.includes("client_secret_post"), `${methods}`);
for (const method of methods.filter((name) => name.startsWith("client_secret_"))) {
  const authentication = {
    client_secret_basic: client.ClientSecretBasic,
    client_secret_post: client.ClientSecretPost,
    client_secret_jwt: client.ClientSecretJwt,
  }[method];
  const body = { ...registration, token_endpoint_auth_method: method };
  await trip(strict(await client.dynamicClientRegistration(issuer, body, authentication())), {});
}
