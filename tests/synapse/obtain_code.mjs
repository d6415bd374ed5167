// Brings an authorization to the moment before the code exchange and prints what that exchange needs, as one line of JSON.
import assert from "node:assert/strict";
import { launch, person } from "../browser/chromium.mjs";
import { Client, discover, landing } from "../browser/client.mjs";
import { decide, logIn } from "../browser/pages.mjs";

const metadata = await discover(process.env.KEYMAKER_BASE);
const client = await Client.register(metadata);
const app = await landing();
const browser = await launch();
const page = await (await person(browser)).open();
const begun = client.begin(app.callback);
await page.goto(begun.url);
await logIn(page, { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD });
await decide(page, "allow");
const { code } = client.answer(begun, page.url());
assert.ok(code);
await browser.close();
app.close();
process.stdout.write(
  `${JSON.stringify({
    device_id: begun.deviceId,
    token_endpoint: metadata.token_endpoint,
    request: {
      grant_type: "authorization_code",
      client_id: client.id,
      code,
      code_verifier: begun.verifier,
      redirect_uri: begun.redirectUri,
    },
  })}\n`,
);
