// Owns what every page must satisfy for everybody: axe-core finds nothing, at both widths and in both colour schemes; at most two
// requests bring it, of forty kibibytes together. Each page is portrayed on the way.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { assertLabelled } from "./chromium.mjs";

const OPTIONS = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST_REQUESTS = 2;
const MOST_BYTES = 40 * 1024;

/** Makes the examiner of one person's tab, whose pictures go into a folder. It keeps what it examined in `seen`, one entry a page. */
export async function examiner(page, folder) {
  mkdirSync(folder, { recursive: true });
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let requests = [];
  page.on("request", (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) requests = [];
    requests.push(request);
  });
  const seen = [];
  const failures = [];

  /** Examines the page that the browser stands on; `status` is that of its answer. */
  async function examine(name, status = 200) {
    const own = requests.filter((request) => !request.url().startsWith("data:"));
    const answers = await Promise.all(own.map((request) => request.response()));
    const sizes = await Promise.all(answers.map(async (answer) => (await answer.body()).length));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    seen.push({ name, path: new URL(page.url()).pathname, requests: own.length, bytes });
    if (answers[0].status() !== status) failures.push(`${name}: the page was answered ${answers[0].status()}`);
    if (own.length > MOST_REQUESTS || bytes > MOST_BYTES) {
      failures.push(`${name}: ${own.length} requests of ${bytes} bytes: ${own.map((request) => request.url())}`);
    }
    await assertLabelled(page);
    await page.evaluate(AXE);
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        const { scrollWidth, violations } = await page.evaluate(async (options) => {
          const words = ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`;
          const found = await window.axe.run(options);
          return { scrollWidth: document.documentElement.scrollWidth, violations: found.violations.map(words) };
        }, OPTIONS);
        failures.push(...violations.map((violation) => `${name} ${width} ${colorScheme}: ${violation}`));
        if (scrollWidth > width) failures.push(`${name} scrolls sideways at ${width}: ${scrollWidth}`);
        await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
  }

  /** Fails when something was found on any page, or a page of the table of routes was not examined. */
  function finish(routes) {
    assert.deepEqual(failures, []);
    const isSeen = (route) => {
      const pattern = new RegExp(`^${route.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`);
      return seen.some(({ path }) => pattern.test(path));
    };
    assert.deepEqual(routes.filter((route) => !isSeen(route)), [], "pages that nobody examined");
  }
  return { examine, seen, finish };
}
