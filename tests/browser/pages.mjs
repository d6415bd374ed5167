// Owns what a person does on Keymaker's pages: the stable field names and buttons that the design fixes, no selectors of style.
import assert from "node:assert/strict";

/** Presses a button and waits until the browser stands on the page that follows. */
export async function press(page, button) {
  const arrived = page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame());
  await Promise.all([arrived, page.locator(button).first().click()]);
  await page.waitForLoadState();
}

const submitOf = (field) => `form:has([name=${field}]) button:not([type=button])`;

/** Fills in the log-in form that the browser stands on and sends it. */
export async function logIn(page, { username, password }) {
  await page.fill("[name=username]", username);
  await page.fill("[name=password]", password);
  await press(page, submitOf("password"));
}

/** Signs up on the form that the browser stands on: name and password, then the display name when it is asked for. */
export async function signUp(page, { username, password, displayName }) {
  await page.fill("[name=username]", username);
  await page.fill("[name=password]", password);
  await press(page, submitOf("password"));
  assert.match(new URL(page.url()).pathname, /^\/register\/finish/, await mainText(page));
  await page.fill("[name=display_name]", displayName ?? "");
  await press(page, submitOf("display_name"));
}

/** Presses `allow` or `deny` on the consent page. */
export async function decide(page, action) {
  assert.match(new URL(page.url()).pathname, /^\/consent\//, await mainText(page));
  await press(page, `button[name=action][value=${action}]`);
}

/** What the page says, for the message of a failed check. */
export async function mainText(page) {
  return `${page.url()}: ${(await page.locator("body").innerText()).slice(0, 600)}`;
}

/** Uses the passkey button of the page that the browser stands on. */
export async function usePasskey(page) {
  await press(page, "form.passkey button");
}

/** Begins an act of the account and confirms it with the password; answers nothing, the browser stands on what follows. */
export async function confirmAct(page, base, act, { password }, target) {
  const query = new URLSearchParams({ act, ...(target && { target }) });
  await page.goto(new URL(`/account/confirm?${query}`, base).href);
  await page.fill("[name=password]", password);
  await press(page, submitOf("password"));
}

/** Signs the browser out. */
export async function logOut(page, base) {
  await page.goto(new URL("/logout", base).href);
  await press(page, "form:has([name=csrf]) button:not([type=button])");
}
