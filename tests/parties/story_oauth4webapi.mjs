// The library oauth4webapi, which does nothing by itself and checks everything: it registers with a key of its own
// (private_key_jwt), pushes its request, verifies signatures, and signs out.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { Browser } from "./browser.mjs";

const env = process.env;
const issuer = new URL(env.KEYMAKER_ISSUER);
const redirectUri = env.KEYMAKER_REDIRECT_URI;
const afterLogout = env.KEYMAKER_POST_LOGOUT_REDIRECT_URI;

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));

async function registered(metadata) {
  const body = {
    client_name: "The calendar",
    client_uri: new URL("/", redirectUri).href,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [afterLogout],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...metadata,
  };
  return oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, body));
}

async function trip(client, authentication, { pushed }) {
  const browser = new Browser();
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  let parameters = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  };
  if (pushed) {
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response);
    parameters = { client_id: client.client_id, request_uri };
  }
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams(parameters);
  const left = await browser.go(url);
  const callback = oauth.validateAuthResponse(as, client, left.url, state);
  const exchange = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, redirectUri, verifier);
  const checks = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchange, checks);
  await oauth.validateApplicationLevelSignature(as, exchange);
  const claims = oauth.getValidatedIdTokenClaims(tokens);

  const told = await oauth.userInfoRequest(as, client, tokens.access_token);
  const person = await oauth.processUserInfoResponse(as, client, claims.sub, told);
  assert.equal(person.preferred_username, env.KEYMAKER_USER);

  const refresh = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token);
  const refreshed = await oauth.processRefreshTokenResponse(as, client, refresh);
  assert.equal(oauth.getValidatedIdTokenClaims(refreshed).sub, claims.sub);

  // A code that was redeemed is worth nothing, and by its own account neither.
  const again = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, redirectUri, verifier);
  await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, again, checks), { error: "invalid_grant" });

  const out = new URL(as.end_session_endpoint);
  out.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: afterLogout, state });
  assert.equal((await browser.go(out)).url.href, `${afterLogout}?state=${state}`);
}

// This library writes Ed25519 by its name of RFC 9864, which is not among the algorithms that we publish.
for (const alg of ["RS256", "ES256"]) {
  const { publicKey, privateKey } = await oauth.generateKeyPair(alg, { extractable: true });
  const kid = `key-${alg}`;
  const jwk = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid, use: "sig", alg };
  delete jwk.key_ops;
  delete jwk.ext;
  const client = await registered({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } });
  assert.equal(client.client_secret, undefined);
  await trip(client, oauth.PrivateKeyJwt({ key: privateKey, kid }), { pushed: alg === "ES256" });
  // Somebody else's key of the same name opens nothing.
  const other = await oauth.generateKeyPair(alg);
  const stolen = await oauth.refreshTokenGrantRequest(as, client, oauth.PrivateKeyJwt({ key: other.privateKey, kid }), "x");
  const refusal = await oauth.processRefreshTokenResponse(as, client, stolen).catch((error) => error);
  assert.equal(refusal.status, 401);
  assert.equal((await refusal.response.json()).error, "invalid_client");
}

const browserApp = await registered({ token_endpoint_auth_method: "none" });
await trip(browserApp, oauth.None(), { pushed: false });
