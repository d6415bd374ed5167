// A browser without script signs up with an e-mail address and terms, adds another address, changes the password, forgets it,
// and gets back in by mail; every page it meets is portrayed, and some of them in French.
import assert from "node:assert/strict";
import { assertContained, launch, person, portray } from "./chromium.mjs";
import * as mailbox from "./mailbox.mjs";
import { confirmAct, logIn, logOut, mainText, press } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const origin = new URL(base).origin;
const browser = await launch();
const someone = await person(browser);
const page = await someone.open();
const alice = { username: "alice", password: "seven-Purple-otters-dance" };
const at = (path) => assert.ok(new URL(page.url()).pathname.startsWith(path), `${path} is not where this is`);
const send = (field) => press(page, `form:has([name=${field}]) button:not([type=button])`);
const wrong = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

// SGN-01, SGN-05: name and password, address, code, terms.
await page.goto(new URL("/register", base).href);
await page.fill("[name=username]", alice.username);
await page.fill("[name=password]", alice.password);
await send("password");
at("/register/email");
await portray(page, "register-email");
await page.fill("[name=email]", "alice@example.com");
await send("email");
at("/register/code");
await portray(page, "register-code");
const signUpCode = await mailbox.code("alice@example.com");
await page.fill("[name=code]", wrong(signUpCode));
await send("code");
at("/register/code");
await portray(page, "register-code-refused");
await page.fill("[name=code]", signUpCode);
await send("code");
at("/register/finish");
await portray(page, "register-terms");
await page.check("[name=terms]");
await send("display_name");
at("/account/");

// ACT-07: another address.
await page.goto(new URL("/account/emails", base).href);
await portray(page, "emails");
await confirmAct(page, base, "add-email", alice);
at("/account/emails/add");
await portray(page, "emails-add");
await page.fill("[name=email]", "alice.exemplar@mail.example.org");
await send("email");
at("/account/emails/verify");
await portray(page, "emails-code");
for (let i = 0; i < 6; i++) {
  await page.fill("[name=code]", "000000");
  await send("code");
  if (!(await page.locator("[name=code]").count())) break;
}
await portray(page, "emails-code-over");
await confirmAct(page, base, "add-email", alice);
await page.fill("[name=email]", "alice.exemplar@mail.example.org");
const first = await mailbox.code("alice.exemplar@mail.example.org");
await send("email");
await page.fill("[name=code]", await mailbox.code("alice.exemplar@mail.example.org", [first]));
await send("code");
at("/account/emails");
assert.match(await mainText(page), /The address was added\./);
await portray(page, "emails-two");

// ACT-09: another password.
await confirmAct(page, base, "change-password", alice);
at("/account/password");
await portray(page, "password");
await page.fill("[name=password]", "alice");
await send("password");
await portray(page, "password-refused");
alice.password = "eight-Green-badgers-sing";
await page.fill("[name=password]", alice.password);
await send("password");
at("/account/security");
assert.match(await mainText(page), /The password was changed\./);

// RCV-03: the password is forgotten.
await logOut(page, base);
await page.goto(new URL("/login", base).href);
await page.getByText("Forgot your password?").click();
await page.waitForLoadState();
at("/recover");
await portray(page, "recover");
await page.fill("[name=email]", "alice@example.com");
await send("email");
at("/recover/sent");
await portray(page, "recover-sent");
const link = await mailbox.link("alice@example.com");
await page.goto(link);
await portray(page, "recover-password");
alice.password = "nine-Yellow-herons-wait";
await page.fill("[name=password]", alice.password);
await send("password");
at("/recover/done");
await portray(page, "recover-done");
await page.goto(link);
await portray(page, "recover-over");
await page.goto(new URL("/login", base).href);
await logIn(page, alice);
at("/account/");
assertContained(someone, [origin]);

// WEB-10: the longest texts are French.
const reader = await person(browser, { locale: "fr-FR" });
const french = await reader.open();
await french.goto(new URL("/login", base).href);
await logIn(french, alice);
await french.goto(new URL("/account/emails", base).href);
await portray(french, "emails-french");
await confirmAct(french, base, "change-password", alice);
await portray(french, "password-french");
await french.goto(new URL("/recover", base).href);
await portray(french, "recover-french");
assertContained(reader, [origin]);
await browser.close();
