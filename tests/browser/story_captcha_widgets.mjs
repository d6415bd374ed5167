// The widgets of CAPTCHA services, as the story's own scripts in their place: they draw a frame of their host and put an answer
// into the form. The policy of the page lets each do that, in the colours of the page, and says a word where it cannot be loaded.
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import { mainText, press } from "./pages.mjs";

const { KEYMAKER_PASSWORD: password } = process.env;
const bases = JSON.parse(process.env.BASES);
const SERVICES = {
  recaptcha_v2: {
    widget: ".g-recaptcha", field: "g-recaptcha-response", script: "https://www.google.com/recaptcha/api.js",
    more: "https://www.gstatic.com/recaptcha/releases/1/recaptcha__en.js", frame: "https://www.google.com/recaptcha/api2/anchor",
  },
  hcaptcha: {
    widget: ".h-captcha", field: "h-captcha-response", script: "https://js.hcaptcha.com/1/api.js",
    more: "https://newassets.hcaptcha.com/captcha/v1/1/hcaptcha.js", frame: "https://newassets.hcaptcha.com/captcha/v1/1/static.html",
    fetch: "https://api.hcaptcha.com/checksiteconfig", style: "https://newassets.hcaptcha.com/captcha/v1/1/style.css",
  },
  cloudflare_turnstile: {
    widget: ".cf-turnstile", field: "cf-turnstile-response", script: "https://challenges.cloudflare.com/turnstile/v0/api.js",
    more: "https://challenges.cloudflare.com/turnstile/v0/g/1/api.js", frame: "https://challenges.cloudflare.com/cdn-cgi/challenge-platform/h",
  },
};

/** What the story's script does in the place of the service's. */
const script = (name, service) => `(() => {
  const box = document.querySelector(${JSON.stringify(service.widget)});
  const frame = document.createElement("iframe");
  frame.title = "The check of " + ${JSON.stringify(name)};
  frame.width = box.dataset.size === "compact" ? 164 : 300;
  frame.height = box.dataset.size === "compact" ? 144 : 65;
  frame.src = ${JSON.stringify(service.frame)};
  const answer = document.createElement("input");
  answer.type = "hidden";
  answer.name = ${JSON.stringify(service.field)};
  answer.value = "solved by a person at " + ${JSON.stringify(name)};
  box.append(frame, answer);
  const style = ${JSON.stringify(service.style ?? "")};
  if (style) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = style;
    document.head.append(link);
  }
  const asked = ${JSON.stringify(service.fetch ?? "")};
  if (asked) fetch(asked).then(() => { box.dataset.fetched = "yes"; });
  const more = document.createElement("script");
  more.src = ${JSON.stringify(service.more)};
  document.head.append(more);
})();`;

const browser = await launch();
for (const [name, base] of Object.entries(bases)) {
  const service = SERVICES[name];
  const own = new URL(base).origin;
  const someone = await person(browser, { script: true });
  const foreign = [];
  const bring = async (isThere) => {
    await someone.context.unroute(/^https:/);
    await someone.context.route(/^https:/, (route) => {
      const url = route.request().url();
      foreign.push(url);
      if (!isThere) return route.abort();
      const cors = { "access-control-allow-origin": "*" };
      if (url.startsWith(service.script)) return route.fulfill({ contentType: "text/javascript", body: script(name, service) });
      if (url === service.more) return route.fulfill({ contentType: "text/javascript", body: "window.drawn = true;" });
      if (url === service.style) return route.fulfill({ contentType: "text/css", body: ".drawn { color: red }" });
      if (url === service.fetch) return route.fulfill({ contentType: "application/json", headers: cors, body: "{}" });
      return route.fulfill({ contentType: "text/html", body: "<!doctype html><p>I am a person</p>" });
    });
  };
  const page = await someone.open();
  await bring(true);
  for (const [colorScheme, width, size] of [["dark", 320, "compact"], ["light", 1280, undefined]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.goto(new URL("/register", base).href);
    await page.waitForFunction(() => window.drawn);
    const widget = await page.locator(service.widget).evaluate((element) => ({ ...element.dataset }));
    assert.equal(widget.theme, colorScheme);
    assert.equal(widget.size, size);
    assert.equal(widget.action, "registration");
    assert.equal(await page.frames().find((frame) => frame.url() === service.frame)?.locator("p").innerText(), "I am a person");
    if (service.fetch) await page.locator(`${service.widget}[data-fetched]`).waitFor({ state: "attached" });
    if (width === 320) {
      const needed = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(needed <= width, `${name} scrolls sideways: ${needed}`);
    }
    await page.screenshot({ path: join(process.env.KEYMAKER_SCREENSHOTS, `captcha-${name}-${width}.png`), fullPage: true });
  }
  await page.fill("[name=username]", "alice");
  await page.fill("[name=password]", password);
  await press(page, "form:has([name=password]) button");
  assert.equal(new URL(page.url()).pathname, "/register/finish", await mainText(page));
  // The next page has nothing to do with the service.
  const before = foreign.length;
  await page.goto(new URL("/login", base).href);
  assert.equal(foreign.length, before);

  await bring(false);
  await page.goto(new URL("/register", base).href);
  await page.locator(".captcha [data-failed]").waitFor({ state: "visible" });
  await portray(page, `captcha-${name}-missing`);
  const hosts = [...new Set(foreign.map((url) => new URL(url).origin))];
  assertContained(someone, [own, ...hosts]);
  const allowed = [service.script, service.more, service.frame, service.fetch, service.style].filter(Boolean);
  assert.deepEqual(hosts.filter((host) => !allowed.some((url) => new URL(url).origin === host)), []);
  await someone.close();
}
await browser.close();
