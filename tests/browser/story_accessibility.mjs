// Every page in every state that a person meets it in: axe-core finds nothing to object to in light, dark, at 320 px and 1280 px, in
// the language of this run, and each costs two requests at most (WEB-10, WCAG 2.2 AA). What was measured is printed as a list.
import assert from "node:assert/strict";
import { join } from "node:path";
import { authenticator } from "./authenticator.mjs";
import { assertContained, launch, person } from "./chromium.mjs";
import { Client, discover, form, landing, newDeviceId } from "./client.mjs";
import { examiner } from "./examine.mjs";
import { CODE, RECOVERY, fromMail } from "./mails.mjs";
import { confirmAct, decide, logIn, logOut, mainText, press, usePasskey } from "./pages.mjs";
import { totp } from "./totp.mjs";

const { KEYMAKER_BASE: base, GUARDED_BASE: guarded, PROVIDER: provider, MAILS: mails, LOCALE: locale } = process.env;
const acts = JSON.parse(process.env.ACTS);
const routes = JSON.parse(process.env.ROUTES);
const at = (path) => new URL(path, base).href;
const path = () => new URL(page.url()).pathname;
const metadata = await discover(base);
const client = await Client.register(metadata);
const app = await landing();
const browser = await launch();
const someone = await person(browser, { script: true, locale });
const page = await someone.open();
const device = await authenticator(page, { autofill: false });
const { examine, seen, finish } = await examiner(page, join(process.env.KEYMAKER_SCREENSHOTS, locale));

const alice = { username: "alice", password: "seven-Purple-otters-dance" };
const email = "alice@example.org";
const go = (where) => page.goto(at(where));
/** Fills in the form that has the first of these fields and sends it, also what the browser would not let pass. */
async function send(fields, button = "button:not([type=button])") {
  const [first] = Object.keys(fields);
  const form = page.locator(`form:has([name=${first}])`).last();
  await form.evaluate((element) => { element.noValidate = true; });
  for (const [name, value] of Object.entries(fields)) {
    const field = form.locator(`[name=${name}]`);
    if (typeof value === "boolean") await field.setChecked(value);
    else await field.fill(value);
  }
  const arrived = page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame());
  await Promise.all([arrived, form.locator(button).first().click()]);
  await page.waitForLoadState();
}

// Whoever is not there yet.
await go("/login");
await examine("login");
await send({ username: "nobody", password: "wrong" });
await examine("login-refused", 401);
await page.locator("[name=csrf]").first().evaluate(() => {
  for (const field of document.querySelectorAll("[name=csrf]")) field.value = "0";
});
await send({ username: "nobody", password: "wrong" });
await examine("form-expired", 403);
await page.goto(client.begin(app.callback).url);
await examine("login-client");
await go("/login");
await device.setVerified(false);
await page.locator("form.passkey button").click();
await page.locator("[data-failed]").waitFor({ state: "visible" });
await examine("login-passkey-failed");
await device.setVerified(true);
await go("/no-such-page");
await examine("not-found", 404);
await page.goto(client.begin(app.callback, { scope: "bogus", response_mode: "form_post" }).url);
await examine("authorize-offered", 400);
await go("/authorize?client_id=nobody");
await examine("authorize-refused", 400);
await go("/factor?proof=nothing");
await examine("transaction-over", 400);

// A new account, with an address and terms.
await go("/register");
await examine("register");
await send({ username: "al ice", password: "alice1" });
await examine("register-refused", 422);
await send(alice);
assert.equal(path(), "/register/email", await mainText(page));
await examine("register-email");
await send({ email: "nowhere" });
await examine("register-email-refused", 422);
await send({ email });
assert.equal(path(), "/register/code", await mainText(page));
await examine("register-code");
await send({ code: "12345" });
await examine("register-code-refused", 422);
await send({ code: await fromMail(mails, email, CODE) });
assert.equal(path(), "/register/finish", await mainText(page));
await examine("register-finish");
await send({ display_name: "Alice Exemplar" });
await examine("register-finish-refused", 422);
await send({ display_name: "Alice Exemplar", terms: true });
assert.equal(path(), "/account/", await mainText(page));
await examine("account");
await logOut(page, base);
await examine("logged-out");

// By invitation, to a house where every account is looked at first.
await page.goto(new URL("/register?token=welcome-2026", guarded).href);
await examine("register-invited");
await send({ token: "wrong", username: "bob", password: alice.password });
await examine("register-token-refused", 422);
await send({ token: "welcome-2026", username: "bob", password: alice.password });
assert.equal(path(), "/register/finish", await mainText(page));
await examine("register-finish-approval");
await send({ display_name: "Bob" });
assert.equal(path(), "/register/waiting", await mainText(page));
await examine("register-waiting");
await page.goto(new URL("/login", guarded).href);
await send({ username: "bob", password: alice.password });
await examine("login-waiting", 403);

// Through a provider, at which everybody is known already.
await go("/upstream/authorize/company");
assert.equal(path(), "/upstream/sign-up", await mainText(page));
await examine("upstream-sign-up");
await send({ terms: false });
await examine("upstream-sign-up-refused", 422);
const departure = await page.context().request.get(at("/upstream/authorize/company"), { maxRedirects: 0 });
const { searchParams: asked } = new URL(departure.headers().location);
const no = new URLSearchParams({ error: "access_denied", state: asked.get("state"), iss: provider });
await go(`/upstream/callback/company?${no}`);
await examine("upstream-denied", 400);
await go("/upstream/logout/company?state=nothing");
await examine("upstream-logout-over", 400);
await page.goto(new URL("/upstream/authorize/company", guarded).href);
await send({ token: "welcome-2026", username: "carol" });
assert.equal(path(), "/upstream/waiting", await mainText(page));
await examine("upstream-waiting");

// A forgotten password.
await go("/recover");
await examine("recover");
await send({ email: "nowhere" });
await examine("recover-refused", 422);
await send({ email });
assert.equal(path(), "/recover/sent", await mainText(page));
await examine("recover-sent");
const link = await fromMail(mails, email, RECOVERY);
await page.goto(link);
await examine("recover-link");
await send({ password: "alice1" });
await examine("recover-link-refused", 422);
alice.password = "nine-Orange-lizards-read";
await send({ password: alice.password });
assert.equal(path(), "/recover/done", await mainText(page));
await examine("recover-done");
await page.goto(link);
await examine("recover-over", 404);

// The account while there is little in it.
await go("/login");
await logIn(page, alice);
await go("/account/profile");
await examine("profile");
await send({ display_name: "Alice" });
await examine("profile-saved");
await go("/account/devices");
await examine("devices-alone");
await go("/account/apps");
await examine("apps-none");
await go("/account/security");
await examine("security-password-only");
await go("/account/emails");
await examine("emails");
await go("/logout");
await examine("logout");
await go(`/oauth2/logout?${new URLSearchParams({ client_id: client.id, state: "x" })}`);
await examine("logout-for-an-app");
await go("/account/?action=org.matrix.device_view&device_id=NOTHING");
await examine("device-unknown", 404);

// Apps: by OAuth with a device and without, and an older one.
const MATRIX = "urn:matrix:org.matrix.msc2967.client";
for (const scope of ["openid email", `openid ${MATRIX}:api:* ${MATRIX}:device:${newDeviceId()}`]) {
  const begun = client.begin(app.callback, { scope });
  await page.goto(begun.url);
  assert.match(path(), /^\/consent\//, await mainText(page));
  await examine(scope.includes(MATRIX) ? "consent" : "consent-app");
  await decide(page, "allow");
  const { status, body } = await client.exchange(begun, client.answer(begun, page.url()).code);
  assert.equal(status, 200, JSON.stringify(body));
}
// One that keeps a secret is not asked about again; the account is asked for where it wants that, or somebody else.
const wiki = new Client(metadata, "the-wiki");
await page.goto(wiki.begin(app.callback, { scope: "openid email" }).url);
await examine("consent-remembered");
await decide(page, "allow");
await page.goto(wiki.begin(app.callback, { scope: "openid", prompt: "select_account" }).url);
assert.match(path(), /^\/choose\//, await mainText(page));
await examine("choose");
const somebody = JSON.stringify({ id_token: { sub: { value: "somebody" } } });
await page.goto(wiki.begin(app.callback, { scope: "openid", claims: somebody }).url);
await examine("choose-another");
const older = (name) => ({
  type: "m.login.password", identifier: { type: "m.id.user", user: "alice" }, password: alice.password, initial_device_display_name: name,
});
// As many as do not fit on one page, neither as devices nor as what happened.
for (let count = 0; count < 51; count += 1) {
  const body = JSON.stringify(older(`Grandmother's telephone ${count}`));
  const { status } = await fetch(at("/_matrix/client/v3/login"), { method: "POST", body });
  assert.equal(status, 200);
}
await go("/_matrix/client/v3/login/sso/redirect?redirectUrl=https://old.example.org/");
assert.match(path(), /^\/sso\//, await mainText(page));
await examine("sso-confirmation");
await go("/account/devices");
await examine("devices");
await page.locator("a[href*='used=']").click();
await page.waitForLoadState();
await examine("devices-more");
await go("/account/devices");
await page.locator(".sessions a[href*='/account/devices/']").nth(1).click();
await page.waitForLoadState();
await examine("device");
await send({ name: "" });
await examine("device-refused", 422);
await send({ name: "Kitchen" });
await examine("device-renamed");
await go("/account/devices");
await page.locator(".sessions a[href*='/account/devices/']").first().click();
await page.waitForLoadState();
await examine("device-current");
await go("/account/apps");
await examine("apps");

// Addresses.
await confirmAct(page, base, "add-email", alice);
await examine("email-add");
await send({ email: "nowhere" });
await examine("email-add-refused", 422);
const second = "alice@example.com";
await send({ email: second });
assert.equal(path(), "/account/emails/verify", await mainText(page));
await examine("email-verify");
await send({ code: "12345" });
await examine("email-verify-refused", 422);
await send({ code: await fromMail(mails, second, CODE) });
assert.equal(path(), "/account/emails", await mainText(page));
await examine("emails-added");

// Everything that one signs in with.
await confirmAct(page, base, "change-password", alice);
await examine("password");
await send({ password: "alice1" });
await examine("password-refused", 422);
await confirmAct(page, base, "add-passkey", alice);
await examine("passkey-add");
await page.fill("[name=name]", "Blue key");
await usePasskey(page);
await examine("security-passkey");
await confirmAct(page, base, "add-passkey", alice);
await page.locator("form.passkey button").click();
await page.locator("[data-failed]").waitFor({ state: "visible" });
await examine("passkey-add-failed");
await confirmAct(page, base, "add-totp", alice);
assert.equal(path(), "/account/totp", await mainText(page));
await examine("totp");
const seed = await page.locator("main bdi.id").innerText();
await send({ totp: "123" });
await examine("totp-refused", 403);
await send({ totp: totp(seed) });
assert.equal(path(), "/account/security", await mainText(page));
await examine("security-totp");
await go("/account/confirm?act=make-recovery-codes");
await usePasskey(page);
await examine("recovery-codes");
const [code] = await page.locator(".codes code").allInnerTexts();
await go("/account/security");
await page.locator("details summary").first().click();
await examine("security");

// What every act says before it is done.
const target = async (where, act) => {
  await go(where);
  const href = await page.locator(`a[href*="act=${act}"][href*="target="]`).last().getAttribute("href");
  return new URL(href, base).searchParams.get("target");
};
const targets = {
  "remove-passkey": await target("/account/security", "remove-passkey"),
  "remove-email": await target("/account/emails", "remove-email"),
  "end-session": await target("/account/devices", "end-session"),
  "withdraw-consent": await target("/account/apps", "withdraw-consent"),
  "link-provider": "company",
};
for (const act of acts.filter((act) => act !== "unlink-provider")) {
  await go(`/account/confirm?${new URLSearchParams({ act, ...(targets[act] && { target: targets[act] }) })}`);
  await examine(`confirm-${act}`);
}
await send({ password: "wrong" });
await examine("confirm-refused", 403);
await confirmAct(page, base, "remove-email", alice, targets["remove-email"]);
assert.equal(path(), "/factor", await mainText(page));
await examine("factor-act");
await usePasskey(page);
await examine("emails-removed");
await confirmAct(page, base, "link-provider", alice, "company");
await usePasskey(page);
await page.waitForURL(/account\/security/);
await examine("security-linked");
targets["unlink-provider"] = await target("/account/security", "unlink-provider");
await go(`/account/confirm?${new URLSearchParams({ act: "unlink-provider", target: targets["unlink-provider"] })}`);
await examine("confirm-unlink-provider");
await go("/account/confirm?act=reset-cross-signing");
await usePasskey(page);
await examine("account-notice");

// The second step of a login.
await logOut(page, base);
await go("/login");
await logIn(page, alice);
assert.equal(path(), "/factor", await mainText(page));
await examine("factor");
await send({ totp: "123" });
await examine("factor-refused", 403);
await page.locator("a[href*='use=recovery']").click();
await page.waitForLoadState();
await examine("factor-recovery");
await send({ recovery: "nothing" });
await examine("factor-recovery-refused", 403);
await send({ recovery: code });
assert.equal(path(), "/account/", await mainText(page));
await go("/account/events");
await examine("events");

// Another device, let in and kept out. Who signed in a moment ago is not asked again.
const television = await Client.register(metadata, {
  client_name: "Corner Television", client_uri: "https://tv.example.org/", token_endpoint_auth_method: "none",
  grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
});
async function waitingDevice() {
  const scope = `urn:matrix:client:api:* urn:matrix:client:device:${newDeviceId()}`;
  return (await form(metadata.device_authorization_endpoint, { client_id: television.id, scope })).body;
}
await go("/link");
await examine("link");
await send({ user_code: "BCDF-GHJK" });
await examine("link-refused", 422);
await page.goto((await waitingDevice()).verification_uri_complete);
await examine("link-prefilled");
await press(page, "form:has([name=user_code]) button");
await examine("link-question");
await send({ in_hand: false }, "button[value=allow]");
await examine("link-question-refused", 422);
await send({ in_hand: true }, "button[value=allow]");
await examine("link-allowed");
await page.goto((await waitingDevice()).verification_uri_complete);
await press(page, "form:has([name=user_code]) button");
await press(page, "button[value=deny]");
await examine("link-denied");
await go("/account/events");
await page.locator("a[href*='/account/events?']").click();
await page.waitForLoadState();
await examine("events-older");

// The end.
await go("/account/confirm?act=deactivate");
await usePasskey(page);
assert.equal(path(), "/account/deactivate", await mainText(page));
await examine("deactivate");
await send({ username: "somebody" });
await examine("deactivate-refused", 422);
await send({ username: alice.username });
await examine("deactivated");
await go("/login");
await logIn(page, alice);
await examine("login-deactivated", 403);

const list = seen.map(({ name, requests, bytes }) => `${name.padEnd(32)} ${requests} requests ${String(bytes).padStart(6)} bytes`);
process.stdout.write(`${list.join("\n")}\n`);
finish(routes);
assertContained(someone, [new URL(base).origin, new URL(guarded).origin, new URL(provider).origin, app.origin]);
await browser.close();
app.close();
