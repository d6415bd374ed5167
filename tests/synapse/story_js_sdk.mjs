// matrix-js-sdk's own OAuth2 class against a real Synapse: discovery, registration, sign-up or login, code exchange in fragment mode,
// whoami, a message there and back, refresh, logout; a second device of the same person watches the first one go (TST-02).
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ClientEvent, createClient, OAuth2 } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { launch, person } from "../browser/chromium.mjs";
import { landing, nativeMetadata, newDeviceId } from "../browser/client.mjs";
import { decide, logIn, signUp } from "../browser/pages.mjs";

logger.setLevel("error");
const homeserver = process.env.HOMESERVER_BASE;
const entry = process.env.ENTRY;
const someone = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const userId = `@${someone.username}:${process.env.SERVER_NAME}`;
const app = await landing();
const browser = await launch();

/** Sends a browser of its own through the pages and comes back with tokens for one new device. */
async function authorize(prompt) {
  const metadata = await createClient({ baseUrl: homeserver }).getAuthMetadata();
  const clientId = await OAuth2.registerClient(metadata, nativeMetadata({ client_name: "Corner Chat (js)" }));
  const deviceId = newDeviceId();
  const oauth = new OAuth2(metadata, { clientId, deviceId });
  const state = randomBytes(9).toString("base64url");
  const reader = await person(browser);
  const page = await reader.open();
  await page.goto(await oauth.generateAuthorizationCodeGrantUrl(state, app.callback, "fragment", prompt));
  if (prompt === "create") {
    assert.match(new URL(page.url()).pathname, /^\/register/, "PRM-03: prompt=create leads to sign-up");
    await signUp(page, { ...someone, displayName: "Someone New" });
  } else {
    await logIn(page, someone);
  }
  await decide(page, "allow");
  const landed = new URL(page.url());
  assert.equal(landed.search, "", "fragment mode puts nothing into the query");
  const answer = new URLSearchParams(landed.hash.slice(1));
  assert.equal(answer.get("state"), state);
  assert.equal(answer.get("iss"), metadata.issuer);
  const tokens = await oauth.completeAuthorizationCodeGrant(answer.get("code"), app.callback);
  assert.equal(tokens.scope, `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`);
  await reader.close();
  return { oauth, clientId, deviceId, tokens };
}

function matrixClient({ clientId, deviceId, tokens }) {
  return createClient({
    baseUrl: homeserver,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    oauthClientId: clientId,
    userId,
    deviceId,
  });
}

const first = await authorize(entry === "sign-up" ? "create" : undefined);
const writer = matrixClient(first);
const whoami = await writer.whoami();
assert.equal(whoami.user_id, userId);
assert.equal(whoami.device_id, first.deviceId);
if (entry === "sign-up") {
  assert.equal((await writer.getProfileInfo(userId)).displayname, "Someone New", "HSI: the display name reached the homeserver");
}

const { room_id: roomId } = await writer.createRoom({ name: "The corner" });
const { event_id: eventId } = await writer.sendTextMessage(roomId, "Is anyone there?");

const second = await authorize();
assert.equal(second.clientId, first.clientId, "REG-13: the same metadata is the same client");
const reader = matrixClient(second);
const prepared = new Promise((resolve) => reader.on(ClientEvent.Sync, (state) => state === "PREPARED" && resolve()));
await reader.startClient({ initialSyncLimit: 20 });
await prepared;
const message = reader.getRoom(roomId)?.getLiveTimeline().getEvents().find((event) => event.getId() === eventId);
assert.equal(message?.getContent().body, "Is anyone there?", "the message was not read back through /sync");
reader.stopClient();

// The access token of the first pair dies with the refresh (REF-08), the second pair works on Synapse at once.
const renewed = await first.oauth.performRefreshTokenGrant(first.tokens.refresh_token);
assert.notEqual(renewed.access_token, first.tokens.access_token);
assert.notEqual(renewed.refresh_token, first.tokens.refresh_token);
first.tokens = renewed;
const goesOn = matrixClient(first);
assert.equal((await goesOn.whoami()).device_id, first.deviceId);

const devices = async () => (await reader.getDevices()).devices.map((device) => device.device_id).sort();
assert.deepEqual(await devices(), [first.deviceId, second.deviceId].sort());

// REV-02: logout revokes both tokens; the device goes from the homeserver promptly.
await goesOn.logout(true);
const limit = Date.now() + 20_000;
while ((await devices()).includes(first.deviceId)) {
  assert.ok(Date.now() < limit, "the device is still on the homeserver 20 s after logout");
  await new Promise((later) => setTimeout(later, 200));
}
const gone = await fetch(new URL("/_matrix/client/v3/account/whoami", homeserver), {
  headers: { authorization: `Bearer ${renewed.access_token}` },
});
assert.equal((await gone.json()).errcode, "M_UNKNOWN_TOKEN");
await assert.rejects(first.oauth.performRefreshTokenGrant(renewed.refresh_token));
assert.equal((await reader.whoami()).device_id, second.deviceId, "the other device is not touched");

await browser.close();
app.close();
process.exit(0);
