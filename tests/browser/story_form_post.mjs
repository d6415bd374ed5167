// The way back from a provider that posts a form from its own site, where a browser sends none of our Lax cookies: our page posts
// it once more from ours, by itself or by a button (UPS-03, TRP-18).
import assert from "node:assert/strict";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { mainText, press } from "./pages.mjs";

const { KEYMAKER_BASE: base, PROVIDER_ORIGIN: provider } = process.env;
const callback = new URL("/upstream/callback/company", base).href;
const browser = await launch();

for (const script of [true, false]) {
  const someone = await person(browser, { script });
  const page = await someone.open();
  await page.goto(new URL("/login", base).href);
  const back = script ? page.waitForURL(new URL("/account/", base).href) : undefined;
  await page.locator('a[href*="/upstream/authorize/company"]').click();
  if (script) {
    await back;
  } else {
    await page.waitForURL((url) => url.origin === provider);
    await press(page, "button");
    assert.equal(page.url(), callback, await mainText(page));
    await portray(page, "upstream-return");
    await press(page, "form[data-send] button");
  }
  assert.equal(page.url(), new URL("/account/", base).href, await mainText(page));
  assert.match(await page.locator("body").innerText(), /@alice:/);
  const posts = someone.requests.filter((url) => url === callback);
  assert.equal(posts.length, 2, "the cookie went with the second post and not with the first");
  assertContained(someone, [new URL(base).origin, provider]);
  await someone.close();
}

await browser.close();
