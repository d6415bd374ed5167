// Somebody looks after their account without script: profile, devices and apps, signing out elsewhere, and in the end the end of it. Every
// page on the way is portrayed.
import assert from "node:assert/strict";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing, nativeMetadata } from "./client.mjs";
import { decide, logIn, mainText, press } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const at = (path) => new URL(path, base).href;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const app = await landing();
const browser = await launch();
const someone = await person(browser);
const page = await someone.open();

/** Signs in with an app and gives the id of its device and its tokens. */
async function signInWith(name, scope) {
  const client = await Client.register(metadata, nativeMetadata({ client_name: name }));
  const begun = client.begin(app.callback, { scope });
  await page.goto(begun.url);
  await decide(page, "allow");
  const { code } = client.answer(begun, page.url());
  const exchanged = await client.exchange(begun, code);
  assert.equal(exchanged.status, 200, JSON.stringify(exchanged.body));
  return { client, deviceId: begun.deviceId, tokens: exchanged.body };
}

/** Shows that it is Bob and goes on. */
async function confirm() {
  assert.match(page.url(), /\/account\/confirm\?/, await mainText(page));
  await page.fill("[name=password]", bob.password);
  await press(page, "form:has([name=password]) button:not([type=button])");
}

const follow = (words) => press(page, `a:text-is("${words}")`);

// ACT-04: whoever is not signed in comes to where they wanted to go.
await page.goto(at("account/?action=org.matrix.devices_list"));
await logIn(page, bob);
assert.equal(page.url(), at("account/devices"), await mainText(page));
await portray(page, "account-devices-only-here");

const chat = await signInWith("Corner Chat");
const tablet = await signInWith("An app with a rather long name that nobody would have thought of");
const wiki = await signInWith("The company wiki", "openid email");

await page.goto(at("account/"));
await portray(page, "account-home");
await press(page, 'a[href$="account/profile"]');
await page.fill("[name=display_name]", "Bob Exemplar");
await press(page, "form:has([name=display_name]) button:not([type=button])");
assert.match(await mainText(page), /The profile was changed/);
await portray(page, "account-profile");
await follow("Back to my account");
assert.match(await mainText(page), /Hello Bob Exemplar/);

await press(page, 'a[href$="account/devices"]');
await portray(page, "account-devices");
await page.goto(at(`account/?action=org.matrix.device_view&device_id=${chat.deviceId}`));
await page.fill("[name=name]", "Bob's laptop");
await press(page, "form:has([name=name]) button:not([type=button])");
assert.match(await mainText(page), /The device was renamed/);
await portray(page, "account-device");
await follow("Sign out");
await portray(page, "account-device-confirm");
await confirm();
assert.match(await mainText(page), /It was signed out/);
assert.ok(!(await page.content()).includes(chat.deviceId));
assert.equal((await chat.client.refresh(chat.tokens.refresh_token)).status, 400);
await page.goto(at(`account/?action=org.matrix.device_view&device_id=${chat.deviceId}`));
await portray(page, "account-no-device");

await page.goto(at("account/apps"));
await portray(page, "account-apps");
await press(page, 'a:has-text("Remove access")');
await confirm();
assert.match(await mainText(page), /There are none/);
await portray(page, "account-apps-none");
assert.equal((await wiki.client.refresh(wiki.tokens.refresh_token)).status, 400);

await page.goto(at("account/devices"));
await follow("Sign out everywhere else");
await portray(page, "account-others-confirm");
await confirm();
assert.match(await mainText(page), /Everything else was signed out/);
assert.equal((await tablet.client.refresh(tablet.tokens.refresh_token)).status, 400);

// ACT-08
await page.goto(at("account/deactivate"));
await confirm();
await portray(page, "account-deactivate");
await page.check("[name=erase]");
await page.fill("[name=username]", "alice");
await press(page, "form:has([name=proof]) button:not([type=button])");
assert.match(await mainText(page), /This is not your username/);
assert.ok(await page.isChecked("[name=erase]"));
await portray(page, "account-deactivate-refused");
await page.fill("[name=username]", bob.username);
await press(page, "form:has([name=proof]) button:not([type=button])");
await portray(page, "account-deactivated");
await page.goto(at("account/"));
await logIn(page, bob);
assert.match(await mainText(page), /This account has been deactivated/);

assertContained(someone, [new URL(base).origin, app.origin]);
await browser.close();
app.close();
