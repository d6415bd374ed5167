// matrix-js-sdk's own device authorization against a real Synapse (RFC 8628, MSC4341): the device polls while its person types the code
// in a real browser; then whoami, and the device is there. A second device is kept out, and hears so.
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { createClient, OAuth2 } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { launch, person } from "../browser/chromium.mjs";
import { nativeMetadata, newDeviceId } from "../browser/client.mjs";
import { logIn, mainText, press } from "../browser/pages.mjs";

logger.setLevel("error");
const homeserver = process.env.HOMESERVER_BASE;
const someone = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const userId = `@${someone.username}:${process.env.SERVER_NAME}`;
const metadata = await createClient({ baseUrl: homeserver }).getAuthMetadata();
const { grant_types: _, ...television } = nativeMetadata({ client_name: "Corner Television" });
const clientId = await OAuth2.registerClient(metadata, television);
const browser = await launch();
const reader = await person(browser);
const page = await reader.open();

/** Begins on a device, and polls on its behalf until somebody decides. */
async function begin() {
  const deviceId = newDeviceId();
  const oauth = new OAuth2(metadata, { clientId, deviceId });
  const session = await oauth.startDeviceAuthorizationGrant();
  return { deviceId, session, answer: oauth.waitForDeviceAuthorizationGrant(session) };
}

// By the link of the QR picture: the login comes first, and the form is filled in.
const first = await begin();
await page.goto(first.session.verification_uri_complete);
await logIn(page, someone);
assert.equal(await page.inputValue("[name=user_code]"), first.session.user_code, await mainText(page));
await press(page, "form:has([name=user_code]) button");
assert.ok((await mainText(page)).includes("Corner Television"));
await page.check("[name=in_hand]");
await press(page, "button[value=allow]");
assert.equal(new URL(page.url()).pathname, "/link/done", await mainText(page));
const tokens = await first.answer;
assert.equal(tokens.token_type, "Bearer", JSON.stringify(tokens));

// QRL-01: the device exists when the answer comes.
const client = createClient({ baseUrl: homeserver, accessToken: tokens.access_token, userId, deviceId: first.deviceId });
const whoami = await client.whoami();
assert.deepEqual([whoami.user_id, whoami.device_id], [userId, first.deviceId]);
assert.equal((await client.getDevice(first.deviceId)).device_id, first.deviceId);

// By hand, in small letters and with a space; and the answer is no.
const second = await begin();
await page.goto(second.session.verification_uri);
await page.fill("[name=user_code]", second.session.user_code.toLowerCase().replace("-", " "));
await press(page, "form:has([name=user_code]) button");
await press(page, "button[value=deny]");
assert.equal((await second.answer).error, "access_denied");
await assert.rejects(client.getDevice(second.deviceId));

await browser.close();
process.exit(0);
