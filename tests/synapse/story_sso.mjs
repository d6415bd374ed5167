// An older client's login in the browser (SSO-01 to SSO-03, CMP-34, TRP-33): its page leads to the homeserver, that to our pages without
// script, a click on the confirmation page back to the client, and the login token to a device at a real Synapse.
import "./with_resolvers.mjs";
import assert from "node:assert/strict";
import http from "node:http";
import { createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { assertContained, launch, person, portray } from "../browser/chromium.mjs";
import { logIn, mainText, press, signUp } from "../browser/pages.mjs";

logger.setLevel("silent");
const { HOMESERVER_BASE: baseUrl, KEYMAKER_BASE, SERVER_NAME } = process.env;
const known = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const newcomer = { username: "dora", password: "six-Brown-lanterns-hum", displayName: "Dora Exemplar" };
const homeserver = createClient({ baseUrl });

// The client's own page: a link to the homeserver, and the place to come back to.
const client = http.createServer((request, response) => {
  const here = new URL(request.url, `http://${request.headers.host}`);
  const back = new URL("/back?room=1&loginToken=stale#/home", here).href;
  const link = (id, action) => `<a id="${id}" href="${homeserver.getSsoLoginUrl(back, "sso", undefined, action).replaceAll("&", "&amp;")}">${id}</a>`;
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Old Chat</title><h1>Old Chat</h1>
    ${link("sign-in", "login")} ${link("sign-up", "register")}`);
});
await new Promise((ready) => client.listen(0, "127.0.0.1", ready));
// It has a name, so that it is another site to our cookies and the confirmation page has something to show.
const origin = "http://chat.example.org";
const origins = [origin, new URL(baseUrl).origin, new URL(KEYMAKER_BASE).origin];
const browser = await launch([`--host-resolver-rules=MAP chat.example.org 127.0.0.1:${client.address().port}`]);

/** Leaves the client's page by a link. */
async function leave(someone, link) {
  const page = await someone.open();
  await page.goto(origin);
  await press(page, `#${link}`);
  assert.equal(new URL(page.url()).origin, new URL(KEYMAKER_BASE).origin, "our pages are at our own address, where the cookies are");
  return page;
}

/** Reads what the confirmation page says, and agrees. Answers the login token. */
async function confirm(page, username, picture) {
  assert.match(new URL(page.url()).pathname, /^\/sso\//, await mainText(page));
  const said = await page.locator("body").innerText();
  for (const shown of [new URL(origin).host, `@${username}:${SERVER_NAME}`]) {
    assert.ok(said.includes(shown), `the confirmation page does not show ${shown}: ${said}`);
  }
  await portray(page, picture);
  await press(page, "button[name=action][value=allow]");
  const landed = new URL(page.url());
  assert.equal(landed.origin + landed.pathname, `${origin}/back`, await mainText(page));
  assert.equal(landed.hash, "#/home");
  assert.deepEqual([...landed.searchParams.keys()].sort(), ["loginToken", "room"], "SSO-03: an older loginToken goes");
  return landed.searchParams.get("loginToken");
}

/** Spends the login token and asks Synapse whose device that made. */
async function arrive(token, username) {
  const login = await homeserver.loginRequest({ type: "m.login.token", token, initial_device_display_name: "Old Chat" });
  assert.equal(login.expires_in_ms, undefined, "CMP-12: who asked for no refresh token gets a token that lasts");
  const device = createClient({ baseUrl, accessToken: login.access_token });
  const { user_id: userId, device_id: deviceId } = await device.whoami();
  assert.deepEqual([userId, deviceId], [`@${username}:${SERVER_NAME}`, login.device_id]);
  assert.equal((await device.getDevice(deviceId)).display_name, "Old Chat");
  await assert.rejects(homeserver.loginRequest({ type: "m.login.token", token }), { errcode: "M_FORBIDDEN" }, "CMP-16: a login token works once");
  assert.equal((await device.whoami()).device_id, deviceId, "the replay came at once and ends nothing");
}

const { flows } = await homeserver.loginFlows();
assert.ok(flows.some((flow) => flow.type === "m.login.sso" && flow.oauth_aware_preferred), JSON.stringify(flows));

const someone = await person(browser);
let page = await leave(someone, "sign-in");
assert.equal(new URL(page.url()).pathname, "/login", await mainText(page));
await portray(page, "sso-login");
await logIn(page, known);
await arrive(await confirm(page, known.username, "sso-confirmation"), known.username);

// Signed in already: the click alone is left, and a refusal hands nothing over.
page = await leave(someone, "sign-in");
assert.match(new URL(page.url()).pathname, /^\/sso\//, await mainText(page));
await press(page, "button[name=action][value=deny]");
assert.equal(page.url(), new URL("/account/", KEYMAKER_BASE).href, await mainText(page));
assertContained(someone, origins);
await someone.close();

const other = await person(browser);
page = await leave(other, "sign-up");
assert.equal(new URL(page.url()).pathname, "/register", await mainText(page));
await signUp(page, newcomer);
await arrive(await confirm(page, newcomer.username, "sso-confirmation-newcomer"), newcomer.username);
assertContained(other, origins);

await browser.close();
client.close();
process.exit(0);
