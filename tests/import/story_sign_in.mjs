// A password of the old homeserver, typed into the log-in page by a person with a real browser.
import assert from "node:assert/strict";
import { assertContained, launch, person } from "../browser/chromium.mjs";
import { logIn, mainText } from "../browser/pages.mjs";

const { KEYMAKER_BASE, KEYMAKER_USER: username, KEYMAKER_PASSWORD: password } = process.env;
const browser = await launch();
const someone = await person(browser);
const page = await someone.open();
await page.goto(new URL("login", KEYMAKER_BASE).href);
await logIn(page, { username, password });
assert.match(await mainText(page), new RegExp(`@${username}:`));
assertContained(someone, [new URL(KEYMAKER_BASE).origin]);
await browser.close();
