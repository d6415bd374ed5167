// matrix-js-sdk sets up a cryptographic identity and later replaces it: Synapse refuses until the person has allowed it on our account
// page, by its own link and with the password (XSR-01 to XSR-03, MSC4312). A second device watches the keys change.
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createClient, OAuth2 } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { launch, person, portray } from "../browser/chromium.mjs";
import { landing, nativeMetadata, newDeviceId } from "../browser/client.mjs";
import { decide, logIn, mainText, press } from "../browser/pages.mjs";

logger.setLevel("silent");
const homeserver = process.env.HOMESERVER_BASE;
const someone = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const userId = `@${someone.username}:${process.env.SERVER_NAME}`;
const app = await landing();
const browser = await launch();
const reader = await person(browser);
const page = await reader.open();

/** Signs in on a new device and gives its client, with its cryptography. */
async function device() {
  const metadata = await createClient({ baseUrl: homeserver }).getAuthMetadata();
  assert.ok(metadata.account_management_actions_supported.includes("org.matrix.cross_signing_reset"), "ACT-01");
  const clientId = await OAuth2.registerClient(metadata, nativeMetadata());
  const deviceId = newDeviceId();
  const oauth = new OAuth2(metadata, { clientId, deviceId });
  const state = randomBytes(9).toString("base64url");
  await page.goto(await oauth.generateAuthorizationCodeGrantUrl(state, app.callback, "fragment"));
  if (new URL(page.url()).pathname === "/login") await logIn(page, someone);
  await decide(page, "allow");
  const code = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("code");
  const tokens = await oauth.completeAuthorizationCodeGrant(code, app.callback);
  const client = createClient({ baseUrl: homeserver, accessToken: tokens.access_token, userId, deviceId });
  await client.initRustCrypto({ useIndexedDB: false });
  return client;
}

/** The public part of the identity, as anybody sees it. */
async function masterKey(client) {
  const { master_keys: keys } = await client.downloadKeysForUsers([userId]);
  return keys[userId] && Object.values(keys[userId].keys)[0];
}

const client = await device();
const watcher = await device();

// The first identity needs nobody's approval.
const asked = [];
await client.getCrypto().bootstrapCrossSigning({
  authUploadDeviceSigningKeys: async (upload) => {
    asked.push("first");
    await upload(null);
  },
});
const before = await masterKey(watcher);
assert.ok(before, "the first identity is not there");

/** Uploads new keys; when Synapse wants an approval, gets it in the browser as the person whose account it is. */
async function approve(upload) {
  const refusal = await upload(null).then(
    () => assert.fail("Synapse took new keys without an approval"),
    (error) => error,
  );
  assert.equal(refusal.httpStatus, 401);
  const stages = refusal.data.flows.map((flow) => flow.stages);
  assert.deepEqual(stages, [["m.oauth"], ["org.matrix.cross_signing_reset"]]);
  const { url } = refusal.data.params["m.oauth"];
  const session = refusal.data.session;

  // Looking allows nothing, and neither does a wrong password.
  await page.goto(url);
  assert.match(page.url(), /\/account\/confirm\?act=reset-cross-signing$/, await mainText(page));
  await portray(page, "cross-signing-reset");
  await assert.rejects(upload({ session }), { httpStatus: 401 });
  await page.fill("[name=password]", "not the password");
  await press(page, "form:has([name=password]) button:not([type=button])");
  await assert.rejects(upload({ session }), { httpStatus: 401 });

  await page.fill("[name=password]", someone.password);
  await press(page, "form:has([name=password]) button:not([type=button])");
  assert.match(page.url(), /\/account\/\?done=reset-cross-signing$/, await mainText(page));
  await portray(page, "cross-signing-reset-allowed");
  asked.push("approved");
  await upload({ session });
}

await client.getCrypto().bootstrapCrossSigning({ setupNewCrossSigning: true, authUploadDeviceSigningKeys: approve });
assert.deepEqual(asked, ["first", "approved"]);
const after = await masterKey(watcher);
assert.ok(after && after !== before, "the identity was not replaced");
assert.ok((await client.getCrypto().getCrossSigningStatus()).privateKeysCachedLocally.masterKey);

// The same without the browser being signed in: the login leads back to the approval (ACT-04).
const stranger = await person(browser);
const other = await stranger.open();
await other.goto(new URL("account/?action=org.matrix.cross_signing_reset", process.env.KEYMAKER_BASE).href);
await logIn(other, someone);
assert.match(other.url(), /\/account\/confirm\?act=reset-cross-signing$/, await mainText(other));

await browser.close();
app.close();
process.exit(0);
