// Pages speak the language of ui_locales, then of Accept-Language (WEB-10), and no page can be framed (WEB-04).
import assert from "node:assert/strict";
import http from "node:http";
import { launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing } from "./client.mjs";
import { decide, logIn } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const client = await Client.register(metadata);
const app = await landing();
const browser = await launch();
const language = (page) => page.evaluate(() => document.documentElement.lang.split("-")[0]);

const francophone = await person(browser, { locale: "fr-FR" });
const login = await francophone.open();
await login.goto(new URL("/login", base).href);
assert.equal(await language(login), "fr", "Accept-Language");
await login.goto(client.begin(app.callback, { ui_locales: "en" }).url);
assert.equal(await language(login), "en", "ui_locales goes before Accept-Language");

const anglophone = await person(browser);
const page = await anglophone.open();
const begun = client.begin(app.callback, { ui_locales: "tlh fr-CA en" });
await page.goto(begun.url);
assert.equal(await language(page), "fr", "the first of ui_locales that we speak");
await portray(page, "login-french");
await logIn(page, bob);
assert.equal(await language(page), "fr", "the language stays with the authorization");
await portray(page, "consent-french");
await decide(page, "allow");
assert.ok(client.answer(begun, page.url()).code);

// A page of another origin that frames ours gets nothing, neither from a person who is logged in nor from an error page.
const framer = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><title>frame</title><iframe src="${new URL(request.url, base).href}"></iframe>`);
});
await new Promise((ready) => framer.listen(0, "127.0.0.1", ready));
for (const path of ["/login", "/register", "/account/", "/logout", "/no-such-page"]) {
  const response = await anglophone.context.request.get(new URL(path, base).href);
  assert.match(response.headers()["content-security-policy"] ?? "", /frame-ancestors 'none'/, path);
  assert.equal(response.headers()["x-frame-options"], "DENY", path);
  const frames = await anglophone.open();
  await frames.goto(`http://127.0.0.1:${framer.address().port}${path}`);
  // What Chromium refuses to frame it replaces with an error page of its own.
  assert.equal(await frames.frames()[1].evaluate(() => location.protocol), "chrome-error:", `${path} was shown inside a frame`);
  await frames.close();
}
await browser.close();
framer.close();
app.close();
