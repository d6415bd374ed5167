// An answer that a form carries to the app: by itself where scripts run, by a button where they do not, and under a policy that lets
// it end there alone (AUT-08). A stranger is never sent on without pressing it (AUT-10).
import assert from "node:assert/strict";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing } from "./client.mjs";
import { decide, logIn, mainText, press } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const app = await landing();
const browser = await launch();
const client = await Client.register(metadata);
const state = "\"><script>x</script>&é";

/** What the app got since it was last asked, which is one form and nothing in an address. */
function posted() {
  assert.equal(app.posts.length, 1);
  const { url, type, body } = app.posts.pop();
  assert.deepEqual({ url, type }, { url: "/callback", type: "application/x-www-form-urlencoded" });
  const fields = Object.fromEntries(new URLSearchParams(body));
  assert.deepEqual([fields.iss, fields.state], [metadata.issuer, state]);
  return fields;
}

for (const script of [true, false]) {
  for (const action of ["allow", "deny"]) {
    const what = `script ${script}, ${action}`;
    const someone = await person(browser, { script });
    const page = await someone.open();
    const begun = client.begin(app.callback, { response_mode: "form_post", state });
    await page.goto(begun.url);
    await logIn(page, bob);
    if (script) {
      const back = page.waitForURL(app.callback);
      await page.locator(`button[name=action][value=${action}]`).click();
      await back;
    } else {
      await decide(page, action);
      assert.equal(app.posts.length, 0, `${what}: nothing goes without the button`);
      await portray(page, "form-post");
      await press(page, "form[data-send] button");
    }
    assert.equal(page.url(), app.callback, await mainText(page));
    const fields = posted();
    if (action === "allow") {
      const { status } = await client.exchange(begun, fields.code);
      assert.equal(status, 200, what);
    } else {
      assert.equal(fields.error, "access_denied", what);
    }
    assertContained(someone, [new URL(base).origin, app.origin]);
    await someone.close();
  }

  // Nobody is signed in: the error waits for the button, with script too.
  const stranger = await person(browser, { script });
  const page = await stranger.open();
  await page.goto(client.begin(app.callback, { response_mode: "form_post", scope: "bogus", state }).url);
  await page.waitForTimeout(300);
  assert.equal(app.posts.length, 0);
  assert.equal(new URL(page.url()).pathname, "/authorize");
  if (!script) await portray(page, "form-post-offered");
  await press(page, "form[data-send] button");
  assert.equal(posted().error, "invalid_scope");
  assertContained(stranger, [new URL(base).origin, app.origin]);
  await stranger.close();
}
await browser.close();
app.close();
