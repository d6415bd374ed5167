// Signing in through an identity provider that somebody else wrote into the real Synapse, without script: our login page, the
// provider's login and consent, the sign-up page, our consent, a token that Synapse takes; then out again at both ends
// (UPS-01 to UPS-10, BCI-01 to BCI-04).
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import { createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { assertContained, launch, person, portray } from "../browser/chromium.mjs";
import { Client, discover, landing } from "../browser/client.mjs";
import { decide, mainText, press } from "../browser/pages.mjs";
import { PROVIDER, serveProvider } from "../upstream/provider.mjs";

logger.setLevel("silent");
const { KEYMAKER_BASE: base, HOMESERVER_BASE: baseUrl, SERVER_NAME, PROVIDER_ISSUER: issuer } = process.env;
const provider = await serveProvider({
  issuer,
  base,
  clientId: process.env.PROVIDER_CLIENT_ID,
  clientSecret: process.env.PROVIDER_CLIENT_SECRET,
});
const metadata = await discover(base);
const app = await landing();
const client = await Client.register(metadata);
const browser = await launch();
const origins = [new URL(base).origin, new URL(issuer).origin, app.origin];

/** Signs in on the provider's own pages, as far as it asks. */
async function signInAtProvider(page, name) {
  if (await page.locator("input[name=login]").count()) {
    await page.fill("input[name=login]", name);
    await page.fill("input[name=password]", "whatever the company asks for");
    await press(page, "button[type=submit]");
  }
  if (new URL(page.url()).origin === new URL(issuer).origin) await press(page, "button[type=submit]");
}

/** Goes from the app to the provider, and answers the page of ours that follows. */
async function arrive(someone, name) {
  const begun = client.begin(app.callback);
  const page = await someone.open();
  await page.goto(begun.url);
  assert.equal(new URL(page.url()).pathname, "/login", await mainText(page));
  await portray(page, "upstream-login");
  await press(page, `a[href*="/upstream/authorize/${PROVIDER}"]`);
  assert.equal(new URL(page.url()).origin, new URL(issuer).origin, await mainText(page));
  await signInAtProvider(page, name);
  return { begun, page };
}

/** Allows the app, and answers a client of Synapse with its token. */
async function allow({ begun, page }, name) {
  await decide(page, "allow");
  const { code } = client.answer(begun, page.url());
  const { status, body } = await client.exchange(begun, code);
  assert.equal(status, 200, JSON.stringify(body));
  const device = createClient({ baseUrl, accessToken: body.access_token });
  const who = await device.whoami();
  assert.deepEqual([who.user_id, who.device_id], [`@${name}:${SERVER_NAME}`, begun.deviceId]);
  return device;
}

const carol = await person(browser);
const first = await arrive(carol, "carol");
assert.match(new URL(first.page.url()).pathname, /^\/upstream\/sign-up/, await mainText(first.page));
assert.equal(await first.page.inputValue("[name=username]"), "carol", "UPS-08: the provider suggests the name");
await portray(first.page, "upstream-sign-up");
await press(first.page, "form:has([name=username]) button[type=submit]");
const phone = await allow(first, "carol");

// In another browser there is an account already: from the provider straight to the consent page.
const elsewhere = await person(browser);
const laptop = await allow(await arrive(elsewhere, "carol"), "carol");

// Signing out here offers to sign out there; there it ends, and the provider tells us, which ends what that login let in.
const { page } = first;
await page.goto(new URL("/logout", base).href);
await press(page, "form:has([name=csrf]) button:not([type=button])");
await portray(page, "upstream-signed-out");
await press(page, `a[href^="${issuer}/session/end"]`);
assert.equal(new URL(page.url()).origin, new URL(issuer).origin, await mainText(page));
await press(page, "button[name=logout]");
assert.equal(new URL(page.url()).pathname, `/upstream/logout/${PROVIDER}`, await mainText(page));
await portray(page, "upstream-signed-out-there");
const limit = Date.now() + 30_000;
while (provider.told.length === 0) {
  assert.ok(Date.now() < limit, `the provider told nobody: ${provider.problems}`);
  await new Promise((later) => setTimeout(later, 100));
}
for (;;) {
  const alive = await phone.whoami().then(() => true, (error) => error.errcode !== "M_UNKNOWN_TOKEN");
  if (!alive) break;
  assert.ok(Date.now() < limit, "BCI-03: the phone is still signed in");
  await new Promise((later) => setTimeout(later, 200));
}
assert.equal((await laptop.whoami()).user_id, `@carol:${SERVER_NAME}`, "another login at the provider goes on");

// After signing out, nobody is signed in again without being asked (UPS-13).
const again = client.begin(app.callback);
await page.goto(again.url);
assert.equal(new URL(page.url()).pathname, "/login", await mainText(page));
await press(page, `a[href*="/upstream/authorize/${PROVIDER}"]`);
assert.equal(await page.locator("input[name=login]").count(), 1, await mainText(page));

assert.deepEqual(provider.problems, []);
for (const someone of [carol, elsewhere]) assertContained(someone, origins);
await browser.close();
app.close();
provider.close();
process.exit(0);
