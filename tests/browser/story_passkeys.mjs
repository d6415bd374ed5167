// Somebody adds a passkey to an account and signs in with it: by the button, by the autofill of the name field, as the second step after
// the password, and to confirm an act; the first two inside a Matrix client's authorization (WAN-04, WAN-07, WAN-08, WAN-11, PRM-05).
import assert from "node:assert/strict";
import { authenticator } from "./authenticator.mjs";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing, newDeviceId } from "./client.mjs";
import { confirmAct, decide, logIn, logOut, mainText, usePasskey } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const client = await Client.register(metadata);
const app = await landing();
const browser = await launch();
const someone = await person(browser, { script: true });
const page = await someone.open();
const device = await authenticator(page);
const at = (path) => new URL(path, base).href;
const path = (shown) => new URL(shown.url()).pathname;
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const scope = () => `openid urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:${newDeviceId()}`;

/** Allows and answers what the ID token tells of the login. */
async function finish(shown, begun) {
  await decide(shown, "allow");
  const { code } = client.answer(begun, shown.url());
  const { status, body } = await client.exchange(begun, code);
  assert.equal(status, 200, JSON.stringify(body));
  const { acr, amr } = claims(body.id_token);
  return { acr, amr };
}

await page.goto(at("/login"));
await logIn(page, bob);
await page.goto(at("/account/security"));
await portray(page, "security-password-only");
await page.goto(at("/account/confirm?act=add-passkey"));
await portray(page, "confirm-add-passkey");
await confirmAct(page, base, "add-passkey", bob);
assert.equal(path(page), "/account/passkeys/add", await mainText(page));
await portray(page, "passkey-add");
await page.fill("[name=name]", "Blue key");
await usePasskey(page);
assert.match(await mainText(page), /Blue key/);
await portray(page, "security-passkey");
const [made] = await device.passkeys();
assert.deepEqual([made.rpId, made.isResidentCredential], ["localhost", true]);

// The same authenticator is not asked to make a second one for the same account.
await confirmAct(page, base, "add-passkey", bob);
await page.locator("form.passkey button").click();
await page.locator("[data-failed]").waitFor({ state: "visible" });
await portray(page, "passkey-add-failed");
assert.equal((await device.passkeys()).length, 1);

// By the button, which takes over from what waits behind the autofill.
await logOut(page, base);
await device.setPresent(false);
let begun = client.begin(app.callback, { scope: scope() });
await page.goto(begun.url);
assert.equal(path(page), "/login");
assert.equal(await page.getAttribute("[name=username]", "autocomplete"), "username webauthn");
await device.offered();
await portray(page, "login-passkey");
await device.setPresent(true);
await usePasskey(page);
assert.match(path(page), /^\/consent\//, await mainText(page));
assert.deepEqual(await finish(page, begun), { acr: "phr", amr: ["hwk", "user", "mfa"] });

// By the autofill, with nothing pressed and nothing typed.
await logOut(page, base);
begun = client.begin(app.callback, { scope: scope(), acr_values: "phr" });
await Promise.all([page.waitForURL(/\/consent\//), page.goto(begun.url)]);
assert.deepEqual(await finish(page, begun), { acr: "phr", amr: ["hwk", "user", "mfa"] });
const [used] = await device.passkeys();
assert.ok(used.signCount > made.signCount, "it counts");

// As the second step: a password alone is not enough any more. The page does not press its button by itself.
await confirmAct(page, base, "require-second-factor", bob);
await portray(page, "security-second-factor");
await logOut(page, base);
await device.setPresent(false);
await page.goto(at("/login"));
await logIn(page, bob);
assert.equal(path(page), "/factor", await mainText(page));
await portray(page, "factor-passkey");
await page.goto(at("/account/security"));
assert.equal(path(page), "/login", "half a login opens nothing");
await page.goBack();
await device.setPresent(true);
await usePasskey(page);
assert.equal(path(page), "/account/", await mainText(page));

// And it confirms an act alone.
await page.goto(at("/account/confirm?act=make-recovery-codes"));
await portray(page, "confirm-passkey");
await usePasskey(page);
assert.equal(await page.locator(".codes li").count(), 10, await mainText(page));
await portray(page, "recovery-codes");
await page.goto(at("/account/security"));
assert.match(await mainText(page), /10 recovery codes left/);

// Without script the pages say what is missing, and offer the rest.
const plain = await person(browser);
const still = await plain.open();
await still.goto(at("/login"));
assert.match(await mainText(still), /need JavaScript/);
assert.equal(await still.locator("form.passkey button").isVisible(), false);
await portray(still, "login-passkey-no-script");

assertContained(someone, [new URL(base).origin, app.origin]);
assertContained(plain, [new URL(base).origin]);
await browser.close();
app.close();
