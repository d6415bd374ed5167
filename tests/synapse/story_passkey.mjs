// matrix-js-sdk signs somebody in to the real Synapse who shows a passkey and no password: by the button, and by the autofill of the name
// field (WAN-07, WAN-08). Synapse then knows them, and the devices are theirs.
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createClient, OAuth2 } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { authenticator } from "../browser/authenticator.mjs";
import { launch, person } from "../browser/chromium.mjs";
import { landing, nativeMetadata, newDeviceId } from "../browser/client.mjs";
import { confirmAct, decide, logIn, logOut, mainText, usePasskey } from "../browser/pages.mjs";

logger.setLevel("silent");
const base = process.env.KEYMAKER_BASE;
const homeserver = process.env.HOMESERVER_BASE;
const someone = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const userId = `@${someone.username}:${process.env.SERVER_NAME}`;
const app = await landing();
const browser = await launch();
const reader = await person(browser, { script: true });
const page = await reader.open();
const device = await authenticator(page);

await page.goto(new URL("/login", base).href);
await logIn(page, someone);
await confirmAct(page, base, "add-passkey", someone);
await usePasskey(page);
assert.equal((await device.passkeys()).length, 1, await mainText(page));

/** Signs in on a new device, with what `show` does on the login page, and asks Synapse who that is. */
async function signIn(show) {
  await logOut(page, base);
  const metadata = await createClient({ baseUrl: homeserver }).getAuthMetadata();
  const clientId = await OAuth2.registerClient(metadata, nativeMetadata());
  const deviceId = newDeviceId();
  const oauth = new OAuth2(metadata, { clientId, deviceId });
  const url = await oauth.generateAuthorizationCodeGrantUrl(randomBytes(9).toString("base64url"), app.callback, "fragment");
  await show(url);
  assert.match(new URL(page.url()).pathname, /^\/consent\//, await mainText(page));
  await decide(page, "allow");
  const code = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("code");
  const tokens = await oauth.completeAuthorizationCodeGrant(code, app.callback);
  const client = createClient({ baseUrl: homeserver, accessToken: tokens.access_token, userId, deviceId });
  const known = await client.whoami();
  assert.deepEqual([known.user_id, known.device_id], [userId, deviceId]);
  return client;
}

await device.setPresent(false);
const first = await signIn(async (url) => {
  await page.goto(url);
  await device.offered();
  await device.setPresent(true);
  await usePasskey(page);
});
const second = await signIn((url) => Promise.all([page.waitForURL(/\/consent\//), page.goto(url)]));

const { room_id: room } = await first.createRoom({ name: "Without a password" });
await first.sendTextMessage(room, "hello");
const { devices } = await second.getDevices();
assert.deepEqual(devices.map((known) => known.device_id).sort(), [first.getDeviceId(), second.getDeviceId()].sort());

await browser.close();
app.close();
process.exit(0);
