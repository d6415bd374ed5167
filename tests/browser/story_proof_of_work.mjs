// Work in place of a CAPTCHA: it begins by itself, the page stays alive meanwhile, a button that is pressed early waits for it, and
// whoever has no script is told so. What it took is printed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertContained, launch, person } from "./chromium.mjs";
import { examiner } from "./examine.mjs";
import { mainText } from "./pages.mjs";

const { KEYMAKER_BASE: base, KEYMAKER_PASSWORD: password } = process.env;
const browser = await launch();
const at = (path) => new URL(path, base).href;
const path = (page) => new URL(page.url()).pathname;

for (const locale of ["en-GB", "fr-FR"]) {
  const someone = await person(browser, { script: true, locale });
  const page = await someone.open();
  const { examine, seen, finish } = await examiner(page, join(process.env.KEYMAKER_SCREENSHOTS, locale));
  const go = (where) => page.goto(at(where));
  const isDone = () => page.waitForFunction(() => document.querySelector("[name=captcha_solution]").value !== "");
  const send = async (button) => {
    const arrived = page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame());
    await Promise.all([arrived, page.locator(button).click()]);
    await page.waitForLoadState();
  };
  const button = "form:has([name=captcha_solution]) button";

  // A slow phone, and somebody who is faster than it: the page answers while it works, and the form goes out by itself.
  const slow = await page.context().newCDPSession(page);
  await slow.send("Emulation.setCPUThrottlingRate", { rate: 8 });
  const status = page.locator(".captcha [role=status]");
  let early = null;
  // The work is short by chance now and then; then nobody was early.
  for (let attempt = 0; early === null && attempt < 20; attempt += 1) {
    await go("/register");
    early = await page.evaluate(([username, typed]) => {
      const form = document.querySelector("form:has([name=captcha_solution])");
      const said = document.querySelector(".captcha [role=status]");
      if (form.elements.captcha_solution.value !== "") return null;
      const working = said.innerText;
      form.elements.username.value = username;
      form.elements.password.value = typed;
      form.requestSubmit();
      return { working, waiting: said.innerText, isEnabled: !form.querySelector("button").disabled };
    }, [locale === "en-GB" ? "alice" : "aline", password]);
  }
  assert.ok(early, "it was always done before somebody could be early");
  const { working, waiting, isEnabled } = early;
  assert.notEqual(working, "", "nothing is said");
  assert.notEqual(waiting, working, "the button says nothing");
  assert.ok(isEnabled);
  await page.waitForURL("**/register/finish*", { timeout: 120_000 });
  await page.waitForLoadState();
  assert.equal(path(page), "/register/finish", await mainText(page));
  await slow.send("Emulation.setCPUThrottlingRate", { rate: 1 });

  // At full speed, with every state that somebody sees.
  const begun = Date.now();
  await go("/register");
  await isDone();
  process.stdout.write(`${locale}: the work took ${Date.now() - begun} ms with its page\n`);
  assert.notEqual(await status.innerText(), working);
  await examine("captcha-work-done");
  await page.fill("[name=username]", "bob");
  await page.fill("[name=password]", password);
  await send(button);
  assert.match(await mainText(page), /Somebody else has|Quelqu’un d’autre|déjà/);
  // The form that comes back has work of its own.
  await isDone();
  await page.evaluate(() => { document.querySelector("[name=captcha_solution]").value = "1,2,3"; });
  await page.fill("[name=username]", "somebody");
  await page.fill("[name=password]", password);
  await send(button);
  await examine("captcha-work-refused", 422);

  await go("/recover");
  await page.fill("[name=email]", "somebody@example.org");
  await isDone();
  await examine("captcha-work-recover");
  await send(button);
  assert.equal(path(page), "/recover/sent", await mainText(page));

  // Wrong passwords, then one more check, then in.
  for (let count = 0; count < 3; count += 1) {
    await go("/login");
    assert.equal(await page.locator(".captcha").count(), 0);
    await page.fill("[name=username]", locale === "en-GB" ? "bob" : "BOB");
    await page.fill("[name=password]", "wrong");
    await send("form:has([name=password]) button");
  }
  if (locale === "en-GB") {
    await isDone();
    await examine("captcha-work-login", 401);
    await page.fill("[name=password]", password);
    await send("form:has([name=password]) button");
    assert.equal(path(page), "/account/", await mainText(page));
  }
  finish([]);
  assert.ok(seen.length >= 3);
  assertContained(someone, [new URL(base).origin]);
  await someone.close();
}

const plain = await person(browser);
const page = await plain.open();
await page.goto(at("/register"));
assert.match(await mainText(page), /This one check needs JavaScript/);
const { examine, finish } = await examiner(page, join(process.env.KEYMAKER_SCREENSHOTS, "en-GB")).catch(() => ({}));
assert.ok(examine && finish);
await page.screenshot({ path: join(process.env.KEYMAKER_SCREENSHOTS, "en-GB", "captcha-work-no-script.png"), fullPage: true });
await browser.close();
