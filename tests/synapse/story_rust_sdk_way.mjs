// What matrix-rust-sdk sends (spec area 25) against a real Synapse: unstable scopes, no response_mode, a loopback redirect on a
// random port, login_hint, and logout by revoking nothing but an access token, here one that a refresh superseded (REV-03).
import assert from "node:assert/strict";
import { launch, person } from "../browser/chromium.mjs";
import { Client, landing, nativeMetadata } from "../browser/client.mjs";
import { decide, logIn } from "../browser/pages.mjs";

const homeserver = process.env.HOMESERVER_BASE;
const someone = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const userId = `@${someone.username}:${process.env.SERVER_NAME}`;

async function matrix(path, token) {
  const response = await fetch(new URL(path, homeserver), { headers: token ? { authorization: `Bearer ${token}` } : {} });
  return { status: response.status, body: await response.json() };
}
const whoami = (token) => matrix("/_matrix/client/v3/account/whoami", token);

const { body: metadata } = await matrix("/_matrix/client/v1/auth_metadata");
assert.deepEqual(metadata, (await matrix("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata")).body);

const app = await landing();
const browser = await launch();

async function authorize() {
  const client = await Client.register(
    metadata,
    nativeMetadata({ client_name: "Corner Chat (rust)", "client_name#fr": "Le Coin", redirect_uris: ["http://127.0.0.1/callback", "http://[::1]/callback"] }),
  );
  const begun = client.begin(app.callback, { login_hint: `mxid:${userId}` });
  const reader = await person(browser);
  const page = await reader.open();
  await page.goto(begun.url);
  assert.equal(await page.inputValue("[name=username]"), someone.username, "HNT-03: login_hint prefills the name");
  await logIn(page, someone);
  await decide(page, "allow");
  assert.match(new URL(page.url()).search, /[?&]code=/, "AUT-02: without response_mode the answer is in the query");
  const { code } = client.answer(begun, page.url());
  const { status, body } = await client.exchange(begun, code);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(
    body.scope,
    `urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:${begun.deviceId}`,
    "SCP-07",
  );
  await reader.close();
  return { client, deviceId: begun.deviceId, tokens: body };
}

const session = await authorize();
assert.deepEqual((await whoami(session.tokens.access_token)).body, { user_id: userId, is_guest: false, device_id: session.deviceId });
const witness = await authorize();

const { status, body: renewed } = await session.client.refresh(session.tokens.refresh_token);
assert.equal(status, 200, JSON.stringify(renewed));
assert.equal((await whoami(renewed.access_token)).status, 200);

const revoked = await session.client.revoke(session.tokens.access_token);
assert.deepEqual(revoked, { status: 200, body: {} }, "REV-04: the body is {}");
assert.equal((await session.client.refresh(renewed.refresh_token)).body.error, "invalid_grant", "REV-01");

const limit = Date.now() + 20_000;
for (;;) {
  const { body } = await matrix("/_matrix/client/v3/devices", witness.tokens.access_token);
  const ids = body.devices.map((device) => device.device_id);
  assert.ok(ids.includes(witness.deviceId));
  if (!ids.includes(session.deviceId)) break;
  assert.ok(Date.now() < limit, "REV-02: the device is still on the homeserver 20 s after the revocation");
  await new Promise((later) => setTimeout(later, 200));
}
assert.equal((await whoami(renewed.access_token)).body.errcode, "M_UNKNOWN_TOKEN");

await browser.close();
app.close();
