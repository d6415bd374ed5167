// Owns how a story opens Chromium and what every page of ours must satisfy there: no request leaves the two loopback
// origins, the CSP blocks nothing, each control has a label and nothing scrolls sideways at 320 px.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
];

/** Launches the system's Chromium; `extra` adds command-line switches. */
export function launch(extra = []) {
  return chromium.launch({
    executablePath: process.env.KEYMAKER_CHROMIUM ?? "/usr/bin/chromium",
    args: [...QUIET, ...extra],
  });
}

/**
 * Opens one person's browser: a context of its own (cookies, language), without script unless asked for.
 * What the browser asked for and what a policy blocked is kept in `requests` and `violations`.
 */
export async function person(browser, { locale = "en-GB", script = false } = {}) {
  const context = await browser.newContext({ javaScriptEnabled: script, locale });
  context.setDefaultTimeout(20_000);
  const requests = [];
  const violations = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) violations.push(message.text());
  });
  return { context, requests, violations, open: () => context.newPage(), close: () => context.close() };
}

/** Fails when the person's browser asked any origin but the named ones, or a policy blocked something. */
export function assertContained({ requests, violations }, origins) {
  const foreign = requests.filter((url) => /^(https?|wss?):/.test(url) && !origins.includes(new URL(url).origin));
  assert.deepEqual(foreign, [], "a page asked for something from elsewhere");
  assert.deepEqual(violations, [], "the CSP blocked part of a page");
}

/** Fails when a visible form control of the page has no accessible name, or the page names no language or title. */
export async function assertLabelled(page) {
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
      .filter((control) => {
        const name =
          control.getAttribute("aria-label") ??
          control.getAttribute("aria-labelledby") ??
          (control.tagName === "BUTTON" ? control.textContent : [...(control.labels ?? [])].map((l) => l.textContent).join(""));
        return name.trim() === "";
      })
      .map((control) => control.outerHTML),
  );
  assert.deepEqual(unnamed, [], `a control without a label on ${page.url()}`);
  const { title, language, headings } = await page.evaluate(() => ({
    title: document.title,
    language: document.documentElement.lang,
    headings: document.querySelectorAll("h1").length,
  }));
  assert.notEqual(title, "", `no title on ${page.url()}`);
  assert.notEqual(language, "", `no language on ${page.url()}`);
  assert.equal(headings, 1, `not exactly one h1 on ${page.url()}`);
}

/** Takes the page's pictures (320 px and 1280 px, light and dark) and checks what can be checked without eyes. */
export async function portray(page, name) {
  const folder = process.env.KEYMAKER_SCREENSHOTS;
  mkdirSync(folder, { recursive: true });
  await assertLabelled(page);
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(needed <= width, `${name} needs ${needed} px and scrolls sideways at ${width} px`);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}
