// Two applications ask in two tabs of one browser at once: both complete, and a refusal goes back as access_denied (WEB-14, CNS-02).
import assert from "node:assert/strict";
import { assertContained, launch, person } from "./chromium.mjs";
import { Client, discover, landing, nativeMetadata } from "./client.mjs";
import { decide, logIn } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const app = await landing();
const browser = await launch();
const someone = await person(browser);

const clients = [
  await Client.register(metadata),
  await Client.register(metadata, nativeMetadata({ client_name: "Other Chat", client_uri: "https://other.example.com/" })),
];
const begun = clients.map((client) => client.begin(app.callback));
const tabs = [await someone.open(), await someone.open()];

// Both login pages are open before either is sent, so the second is answered with an older form than its cookie.
for (const [i, tab] of tabs.entries()) await tab.goto(begun[i].url);
for (const tab of tabs) {
  assert.equal(new URL(tab.url()).pathname, "/login");
  await logIn(tab, bob);
}
for (const [i, tab] of [...tabs.entries()].reverse()) {
  await decide(tab, "allow");
  const { code } = clients[i].answer(begun[i], tab.url());
  const { status, body } = await clients[i].exchange(begun[i], code);
  assert.equal(status, 200, JSON.stringify(body));
}

// Refusal is an answer too, and the login outlives it.
const refusing = clients[0].begin(app.callback);
await tabs[0].goto(refusing.url);
await decide(tabs[0], "deny");
assert.equal(clients[0].answer(refusing, tabs[0].url()).error, "access_denied");

// AUT-11: an authorization that was begun in one browser cannot be completed in another.
const begunHere = clients[0].begin(app.callback);
await tabs[0].goto(begunHere.url);
const consent = tabs[0].url();
assert.match(consent, /\/consent\//);
const stranger = await person(browser);
const elsewhere = await stranger.open();
await elsewhere.goto(consent);
if (new URL(elsewhere.url()).pathname === "/login") {
  await logIn(elsewhere, bob);
}
assert.equal(await elsewhere.locator("button[name=action]").count(), 0, "another browser was offered the decision");

assertContained(someone, [new URL(base).origin, app.origin]);
await browser.close();
app.close();
