// matrix-js-sdk with the legacy login against a real Synapse: refresh tokens, an expiry in between, a soft logout, and the same device
// with its keys after the next login (CMP-12, CMP-17, DEV-08). CLOCK moves Keymaker's clock on by the seconds in its path.
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

logger.setLevel("silent");
const { HOMESERVER_BASE: baseUrl, SERVER_NAME, KEYMAKER_USER: user, KEYMAKER_PASSWORD: password, CLOCK } = process.env;
const userId = `@${user}:${SERVER_NAME}`;
const moveOn = (seconds) => fetch(new URL(`${seconds}`, CLOCK), { method: "POST" });
const withToken = (accessToken) => createClient({ baseUrl, userId, accessToken });

async function refused(request) {
  const failure = await request.then(() => assert.fail("it was answered"), (failure) => failure);
  return [failure.httpStatus, failure.errcode, failure.data.soft_logout];
}

const { flows } = await createClient({ baseUrl }).loginFlows();
assert.ok(flows.some(({ type }) => type === "m.login.password"), JSON.stringify(flows));
const request = { type: "m.login.password", identifier: { type: "m.id.user", user }, password, refresh_token: true };
const first = await createClient({ baseUrl }).loginRequest({ ...request, initial_device_display_name: "Old Chat" });
assert.equal(first.user_id, userId);
assert.equal(first.expires_in_ms, 300_000);

const deviceId = first.device_id;
const keys = { [`curve25519:${deviceId}`]: "JGLn/yafz74HB2AbPLYJWIVGnKAtqECOBf11yyXac2Y" };
const deviceKeys = { user_id: userId, device_id: deviceId, algorithms: ["m.olm.v1.curve25519-aes-sha2"], keys, signatures: {} };
let app = withToken(first.access_token);
await app.uploadKeysRequest({ device_keys: deviceKeys });

// Synapse keeps what it was told of a token for two minutes, but not beyond the token's life.
const second = await app.refreshToken(first.refresh_token);
assert.notEqual(second.access_token, first.access_token);
app = withToken(second.access_token);
await moveOn(297);
const limit = Date.now() + 60_000;
while (await app.whoami().then(() => true, ({ errcode }) => assert.equal(errcode, "M_UNKNOWN_TOKEN"))) {
  assert.ok(Date.now() < limit, "Synapse goes on to take an expired token");
  await new Promise((later) => setTimeout(later, 100));
}
const third = await app.refreshToken(second.refresh_token);
app = withToken(third.access_token);
assert.equal((await app.whoami()).device_id, deviceId, "the session goes on after the expiry");

// The refresh token lies unused for longer than it may: the app is told to ask for the password and to keep what it has.
const fourth = await app.refreshToken(third.refresh_token);
app = withToken(fourth.access_token);
await moveOn(3601);
assert.equal((await refused(app.whoami()))[1], "M_UNKNOWN_TOKEN");
assert.deepEqual(await refused(app.refreshToken(fourth.refresh_token)), [401, "M_UNKNOWN_TOKEN", true]);

const back = await createClient({ baseUrl }).loginRequest({ ...request, device_id: deviceId, initial_device_display_name: "New" });
assert.equal(back.device_id, deviceId);
app = withToken(back.access_token);
assert.equal((await app.getDevice(deviceId)).display_name, "Old Chat");
const { device_keys: found } = await app.downloadKeysForUsers([userId]);
assert.deepEqual(found[userId][deviceId].keys, keys, "the device lost its keys");
assert.deepEqual((await app.getDevices()).devices.map((device) => device.device_id), [deviceId]);
assert.deepEqual((await refused(app.refreshToken(fourth.refresh_token))).slice(0, 2), [401, "M_UNKNOWN_TOKEN"]);
process.exit(0);
