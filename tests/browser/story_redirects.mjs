// Consent leads to https, loopback and private-use-scheme redirect URIs without the CSP in the way, and to nothing else (WEB-03).
// Chromium applies form-action to the redirect after a POST as well; a policy of 'self' would strand the person on the consent page.
import assert from "node:assert/strict";
import { launch, person, portray } from "./chromium.mjs";
import { Client, discover, landing, nativeMetadata } from "./client.mjs";
import { decide, logIn } from "./pages.mjs";

const base = process.env.KEYMAKER_BASE;
const bob = { username: process.env.KEYMAKER_USER, password: process.env.KEYMAKER_PASSWORD };
const metadata = await discover(base);
const app = await landing();
// No host of the outside world is asked: the one https name is mapped to a port that nothing listens on.
const browser = await launch(["--host-resolver-rules=MAP client.example.org 127.0.0.1:9"]);

const targets = {
  https: { name: "https", uri: "https://client.example.org/callback", metadata: { application_type: "web", redirect_uris: ["https://client.example.org/callback"] } },
  loopback: { uri: app.callback, metadata: {} },
  "private-use scheme": { name: "app", uri: "org.example.client:/callback", metadata: { redirect_uris: ["org.example.client:/callback"] } },
};

for (const [kind, target] of Object.entries(targets)) {
  for (const responseMode of ["query", "fragment"]) {
    for (const action of ["allow", "deny"]) {
      const what = `${kind}, ${responseMode}, ${action}`;
      const client = await Client.register(metadata, nativeMetadata(target.metadata));
      const begun = client.begin(target.uri, { response_mode: responseMode });
      const someone = await person(browser);
      const page = await someone.open();
      await page.goto(begun.url);
      await logIn(page, bob);
      if (kind !== "loopback" && responseMode === "query" && action === "allow") await portray(page, `consent-${target.name}`);
      const left = someone.context.waitForEvent("request", (request) => request.url().startsWith(target.uri));
      await page.locator(`button[name=action][value=${action}]`).click();
      const reached = await left.catch((failure) => assert.fail(`${what}: never left for the client: ${failure} ${someone.violations}`));
      const location = await reached.redirectedFrom().response().then((response) => response.headerValue("location"));
      const answer = client.answer(begun, location);
      assert.ok(action === "allow" ? answer.code : answer.error === "access_denied", `${what}: ${location}`);
      assert.equal(reached.redirectedFrom().method(), "POST", what);
      assert.deepEqual(someone.violations, [], what);
      await someone.close();
    }
  }
}
await browser.close();
app.close();
