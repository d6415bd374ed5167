// Owns a small Matrix client: registration, authorization URL and token requests as matrix-rust-sdk sends them (spec area 25:
// unstable scopes, no response_mode), and the loopback page that a redirect comes back to (RFC 8252 §7.3).
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";

const UNSTABLE = "urn:matrix:org.matrix.msc2967.client";
const random = (bytes) => randomBytes(bytes).toString("base64url");

/** A device id of the form that both SDKs make: ten characters. */
export const newDeviceId = () => randomBytes(5).toString("hex").toUpperCase();

/** The metadata of a native application whose redirect goes to loopback, registered without a port. */
export const nativeMetadata = (more = {}) => ({
  client_name: "Corner Chat",
  client_uri: "https://client.example.org/",
  redirect_uris: ["http://127.0.0.1/callback"],
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  ...more,
});

/** Serves the page that a browser lands on after authorization, on a port that the system chooses; `posts` are the forms that came. */
export async function landing() {
  const posts = [];
  const server = http.createServer(async (request, response) => {
    if (request.method === "POST") {
      const chunks = await request.toArray();
      posts.push({ url: request.url, type: request.headers["content-type"], body: Buffer.concat(chunks).toString() });
    }
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Back in the app</title><h1>Back in the app</h1>');
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, callback: `${origin}/callback`, posts, close: () => server.close() };
}

/** Asks the issuer for its metadata. */
export async function discover(issuer) {
  const response = await fetch(new URL(".well-known/openid-configuration", issuer));
  assert.equal(response.status, 200);
  return response.json();
}

/** Sends a form and answers status and JSON body. */
export async function form(url, fields) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  const text = await response.text();
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/, `${url}: ${text}`);
  return { status: response.status, body: JSON.parse(text) };
}

/** A registered client of one issuer. */
export class Client {
  constructor(metadata, id) {
    this.metadata = metadata;
    this.id = id;
  }

  static async register(metadata, body = nativeMetadata()) {
    const response = await fetch(metadata.registration_endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    assert.equal(response.status, 201, JSON.stringify(answer));
    return new Client(metadata, answer.client_id);
  }

  /** Begins an authorization: the URL for the browser and what the code exchange will need. */
  begin(redirectUri, { deviceId = newDeviceId(), scope, ...more } = {}) {
    const verifier = random(48);
    const state = random(12);
    const url = new URL(this.metadata.authorization_endpoint);
    const parameters = {
      response_type: "code",
      client_id: this.id,
      redirect_uri: redirectUri,
      scope: scope ?? `${UNSTABLE}:api:* ${UNSTABLE}:device:${deviceId}`,
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...more,
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, deviceId, verifier, state, redirectUri };
  }

  /** Reads the answer that came back on the redirect URI and checks whose it is (state, and RFC 9207 `iss`). */
  answer(begun, landed) {
    assert.ok(landed.startsWith(begun.redirectUri), `landed on ${landed}`);
    const url = new URL(landed);
    const given = url.searchParams.has("state") ? url.searchParams : new URLSearchParams(url.hash.slice(1));
    assert.equal(given.get("state"), begun.state);
    assert.equal(given.get("iss"), this.metadata.issuer);
    return { code: given.get("code"), error: given.get("error") };
  }

  exchange(begun, code) {
    return form(this.metadata.token_endpoint, {
      grant_type: "authorization_code",
      client_id: this.id,
      code_verifier: begun.verifier,
      redirect_uri: begun.redirectUri,
      code,
    });
  }

  refresh(refreshToken) {
    return form(this.metadata.token_endpoint, { grant_type: "refresh_token", client_id: this.id, refresh_token: refreshToken });
  }

  revoke(token) {
    return form(this.metadata.revocation_endpoint, { token, token_type_hint: "access_token" });
  }
}
