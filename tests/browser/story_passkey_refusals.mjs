// What a passkey does not open, each with a page that says so and nobody signed in: missing user verification, a counter that goes
// backwards, a passkey of another account or server, an answer that comes twice, another origin (WAN-02, WAN-09, WAN-10, WAN-12).
import assert from "node:assert/strict";
import { authenticator } from "./authenticator.mjs";
import { launch, person, portray } from "./chromium.mjs";
import { confirmAct, logIn, logOut, mainText, usePasskey } from "./pages.mjs";

const { KEYMAKER_BASE: base, OTHER_BASE: other } = process.env;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const browser = await launch();
const at = (path, origin = base) => new URL(path, origin).href;
const path = (page) => new URL(page.url()).pathname;

/** A browser with an authenticator that answers when a button is pressed, and not before. */
async function newcomer() {
  const someone = await person(browser, { script: true });
  const page = await someone.open();
  return { someone, page, device: await authenticator(page, { autofill: false }) };
}

/** Signs in by password at a server and adds a passkey there. */
async function addPasskey(page, origin = base) {
  await page.goto(at("/login", origin));
  await logIn(page, bob);
  await confirmAct(page, origin, "add-passkey", bob);
  await usePasskey(page);
  assert.equal(path(page), "/account/security", await mainText(page));
  await logOut(page, origin);
}

/** Checks that the page says what is wrong, and that nobody is signed in. */
async function assertRefused(page, words) {
  assert.match(await page.locator("[role=alert]:visible").innerText(), words, await mainText(page));
  await page.goto(at("/account/"));
  assert.equal(path(page), "/login", "somebody was signed in");
}

const { someone, page, device } = await newcomer();
await addPasskey(page);

// A finger that is not the right one: the browser itself refuses, because the page asks for verification.
await device.setVerified(false);
await page.goto(at("/login"));
await page.locator("form.passkey button").click();
await page.locator("[data-failed]").waitFor({ state: "visible" });
await portray(page, "login-passkey-failed");
await assertRefused(page, /The passkey was not used/);

// A page whose options somebody weakened: then the authenticator answers, and the server refuses.
await page.goto(at("/login"));
await page.locator("form.passkey").evaluate((form) => {
  form.dataset.options = form.dataset.options.replace('"required"', '"discouraged"');
});
await usePasskey(page);
assert.equal(path(page), "/login/passkey");
await portray(page, "login-passkey-refused");
await assertRefused(page, /was not accepted/);
await device.setVerified(true);

// A copy counts from where it was made.
const [passkey] = await device.passkeys();
await device.remove(passkey);
await device.add({ ...passkey, signCount: 0 });
await page.goto(at("/login"));
await usePasskey(page);
await portray(page, "login-passkey-copied");
await assertRefused(page, /may have been copied/);
await device.remove(passkey);
await device.add({ ...passkey, signCount: passkey.signCount + 10 });

// One answer is sent twice: the second finds its challenge answered.
await page.goto(at("/login"));
await page.route("**/login/passkey", (route) => route.abort());
const posted = page.waitForEvent("requestfailed", (request) => request.method() === "POST");
await Promise.all([posted, page.locator("form.passkey button").click()]);
const sent = (await posted).postData();
await page.unroute("**/login/passkey");
const send = () =>
  someone.context.request.post(at("/login/passkey"), {
    headers: { "content-type": "application/x-www-form-urlencoded" }, data: sent, maxRedirects: 0,
  });
const first = await send();
assert.deepEqual([first.status(), first.headers().location], [303, "/account/"], await first.text());
const cookies = await someone.context.cookies();
const second = await send();
assert.equal(second.status(), 403);
assert.match(await second.text(), /took too long, or was done already/);
assert.equal(second.headers()["set-cookie"], undefined);
assert.deepEqual(await someone.context.cookies(), cookies);
await logOut(page, base);

// A passkey of the same host name that another server knows, and one that was removed.
const stranger = await newcomer();
await addPasskey(stranger.page, other);
await stranger.page.goto(at("/login"));
await usePasskey(stranger.page);
await assertRefused(stranger.page, /was not accepted/);

// At an address that is not the configured one the browser does not even ask the authenticator.
const elsewhere = new URL(base);
elsewhere.hostname = "127.0.0.1";
await page.goto(at("/login", elsewhere.href));
await page.locator("form.passkey button").click();
await page.locator("[data-failed]").waitFor({ state: "visible" });
await page.goto(at("/account/", elsewhere.href));
assert.equal(path(page), "/login");

// In a frame of another site there is no page of ours, and so no passkey either; a control: the passkey still works where it should.
await page.goto(at("/login"));
await usePasskey(page);
assert.equal(path(page), "/account/", await mainText(page));
await browser.close();
