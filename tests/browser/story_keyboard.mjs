// The account with the keyboard alone and without script (WEB-09, WEB-10): Tab, Shift+Tab, Space and Enter from the login to the end of the
// account. Whatever has the focus shows it.
import assert from "node:assert/strict";
import { assertContained, launch, person } from "./chromium.mjs";
import { CODE, RECOVERY, fromMail } from "./mails.mjs";
import { mainText } from "./pages.mjs";
import { totp } from "./totp.mjs";

const { KEYMAKER_BASE: base, MAILS: mails } = process.env;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const email = "bob@example.org";
const browser = await launch();
const someone = await person(browser);
const page = await someone.open();
const path = () => new URL(page.url()).pathname;

/** Goes from one control to the next until it stands on this one. */
async function reach(selector) {
  for (let steps = 0; steps < 120; steps += 1) {
    const there = await page.evaluate((wanted) => {
      const { activeElement } = document;
      if (!activeElement?.matches(wanted)) return null;
      const shown = activeElement.closest(".affixed") ?? activeElement;
      return getComputedStyle(shown).outlineStyle !== "none";
    }, selector);
    if (there !== null) {
      assert.ok(there, `nothing shows that ${selector} has the focus on ${page.url()}`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${selector} on ${await mainText(page)}`);
}

/** Presses Enter where the focus is, and waits for the page that follows. */
async function enter() {
  const arrived = page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame());
  await Promise.all([arrived, page.keyboard.press("Enter")]);
  await page.waitForLoadState();
}

async function follow(selector) {
  await reach(selector);
  await enter();
}

/** Fills in fields one after the other and sends the form from the last one. */
async function fill(fields) {
  for (const [name, value] of Object.entries(fields)) {
    await reach(`input[name=${name}]:not([type=hidden])`);
    if (value === true) {
      await page.keyboard.press("Space");
      continue;
    }
    await page.keyboard.press("Control+A");
    await page.keyboard.type(value);
  }
  await enter();
}

let codes = [];

/** Goes to an act by its link and confirms it: with the password, and a recovery code where that is asked for. */
async function confirm(act) {
  await follow(`a[href*="act=${act}"]`);
  assert.equal(path(), "/account/confirm", await mainText(page));
  await fill({ password: bob.password });
  if (path() !== "/factor") return;
  await follow("a[href*='use=recovery']");
  await fill({ recovery: codes.pop() });
}

const home = () => page.goto(new URL("/account/", base).href);
async function visit(place) {
  await home();
  await follow(`a[href$="/account/${place}"]`);
}
async function logIn() {
  await page.goto(new URL("/login", base).href);
  await fill({ username: bob.username, password: bob.password });
  if (path() !== "/factor") return;
  await follow("a[href*='use=recovery']");
  await fill({ recovery: codes.pop() });
  assert.equal(path(), "/account/", await mainText(page));
}
async function logOut() {
  await home();
  await follow("form[action$='/logout'] button");
}

await logIn();
assert.equal(path(), "/account/", await mainText(page));

// What is seen by others, and where there is mail.
await visit("profile");
await fill({ display_name: "Bob Exemplar" });
assert.match(await page.locator("[role=status]").innerText(), /changed/);
await visit("emails");
await confirm("add-email");
await fill({ email });
await fill({ code: await fromMail(mails, email, CODE) });
assert.match(await mainText(page), new RegExp(email));

// An authenticator app, whose code is asked for from then on, and recovery codes.
await visit("security");
await confirm("add-totp");
assert.equal(path(), "/account/totp", await mainText(page));
const seed = await page.locator("main bdi.id").innerText();
await fill({ totp: totp(seed) });
assert.match(await page.locator("[role=status]").innerText(), /is set up/);
await follow('a[href*="act=make-recovery-codes"]');
await fill({ password: bob.password });
assert.equal(path(), "/factor", await mainText(page));
await fill({ totp: totp(seed, 1) });
codes = await page.locator(".codes code").allInnerTexts();
assert.equal(codes.length, 10, await mainText(page));
await reach("a[download]");

// Signing out and in again, with a recovery code as the second step.
await logOut();
assert.match(await mainText(page), /signed out/);
await logIn();

// The other browser goes; a new password comes.
const elsewhere = await person(browser);
const other = await elsewhere.open();
await other.goto(new URL("/login", base).href);
await other.fill("[name=username]", bob.username);
await other.fill("[name=password]", bob.password);
await other.press("[name=password]", "Enter");
await other.locator("a[href*='use=recovery']").click();
await other.fill("[name=recovery]", codes.pop());
await other.press("[name=recovery]", "Enter");
await other.waitForURL(/\/account\/$/);
await visit("devices");
await confirm("end-other-sessions");
assert.match(await page.locator("[role=status]").innerText(), /signed out/);
await other.reload();
assert.equal(new URL(other.url()).pathname, "/login", "it was signed out");
await elsewhere.close();
await visit("security");
await confirm("change-password");
bob.password = "ten-Silver-spoons-ring";
await fill({ password: bob.password });
assert.equal(path(), "/account/security", await mainText(page));

// The password is forgotten.
await logOut();
await page.goto(new URL("/login", base).href);
await follow("a[href$='/recover']");
await fill({ email });
await page.goto(await fromMail(mails, email, RECOVERY));
bob.password = "two-Golden-forks-shine";
await fill({ password: bob.password });
assert.equal(path(), "/recover/done", await mainText(page));
await logIn();

// The app goes, the address goes, and at last the account.
await visit("security");
await confirm("remove-totp");
assert.match(await page.locator("[role=status]").innerText(), /was removed/);
await visit("emails");
await confirm("remove-email");
assert.match(await page.locator("[role=status]").innerText(), /was removed/);
await home();
await follow("a[href$='/account/deactivate']");
await fill({ password: bob.password });
assert.equal(path(), "/account/deactivate", await mainText(page));
await fill({ erase: true, username: bob.username });
await page.goto(new URL("/login", base).href);
await fill({ username: bob.username, password: bob.password });
assert.match(await page.locator("#error").innerText(), /deactivated/);

assertContained(someone, [new URL(base).origin]);
await browser.close();
