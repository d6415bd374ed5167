// A browser without script signs up, logs in, consents and logs out; every page it meets is portrayed.
import assert from "node:assert/strict";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing } from "./client.mjs";
import { decide, logIn, mainText, press, signUp } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const origin = new URL(base).origin;
const metadata = await discover(base);
const client = await Client.register(metadata);
const app = await landing();
const browser = await launch();
const someone = await person(browser);
const page = await someone.open();
const alice = { username: "alice", password: "seven-Purple-otters-dance", displayName: "Alice Exemplar" };

// SGN-01: sign-up stands on its own, and ends with a login.
await page.goto(new URL("/register", base).href);
await portray(page, "register");
await page.fill("[name=username]", alice.username);
await page.fill("[name=password]", "alice1");
await press(page, "form:has([name=password]) button:not([type=button])");
assert.doesNotMatch(page.url(), /finish/, "a weak password was accepted");
await portray(page, "register-refused");
await page.fill("[name=username]", alice.username);
await page.fill("[name=password]", alice.password);
await press(page, "form:has([name=password]) button:not([type=button])");
assert.match(page.url(), /\/register\/finish/, await mainText(page));
await portray(page, "register-finish");
await page.fill("[name=display_name]", alice.displayName);
await press(page, "form:has([name=display_name]) button:not([type=button])");
await page.goto(new URL("/account/", base).href);
assert.match(await mainText(page), /alice/);
await portray(page, "account");

// Logout is a POST with a CSRF token; a link alone ends nothing (WEB-02).
await page.goto(new URL("/logout", base).href);
await portray(page, "logout");
await press(page, "form:has([name=csrf]) button:not([type=button])");
await portray(page, "logged-out");
await page.goto(new URL("/account/", base).href);
assert.equal(new URL(page.url()).pathname, "/login", "still logged in after logout");

// An application sends the browser here: login, consent, and back with a code.
const begun = client.begin(app.callback);
await page.goto(begun.url);
assert.equal(new URL(page.url()).pathname, "/login");
await portray(page, "login");
await logIn(page, { ...alice, password: "not the password" });
assert.equal(new URL(page.url()).pathname, "/login");
await portray(page, "login-refused");
await logIn(page, alice);
const said = await page.locator("body").innerText();
for (const shown of ["Corner Chat", "client.example.org", "alice"]) {
  assert.ok(said.includes(shown), `CNS-01: the consent page does not show ${shown}: ${said}`);
}
await portray(page, "consent");
await decide(page, "allow");
const { code } = client.answer(begun, page.url());
const exchanged = await client.exchange(begun, code);
assert.equal(exchanged.status, 200, JSON.stringify(exchanged.body));
assert.match(exchanged.body.scope, /msc2967/, "SCP-07: the scope is echoed in the client's dialect");

// AUT-01 phase A: an unknown client is told on a page, and never redirected.
const refused = await page.goto(client.begin("http://127.0.0.1/elsewhere").url);
assert.equal(refused.status(), 400);
assert.equal(new URL(page.url()).origin, origin);
await portray(page, "authorize-refused");
await page.goto(new URL("/no-such-page", base).href);
await portray(page, "not-found");

assertContained(someone, [origin, app.origin]);
await browser.close();
app.close();
