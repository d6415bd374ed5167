// matrix-js-sdk's own rendezvous session of MSC4108, one for each device: they leave words for each other, one closes, and the other
// hears that it is over.
import assert from "node:assert/strict";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { MSC4108RendezvousSession } from "matrix-js-sdk/lib/rendezvous/transports/MSC4108RendezvousSession.js";

logger.setLevel("error");
const failures = [];
const first = new MSC4108RendezvousSession({ fallbackRzServer: process.env.RENDEZVOUS });
await first.send("");
assert.ok(first.ready && first.url, "it was opened");
assert.ok(Math.abs(first.expiresAt - Date.now() - 120_000) < 30_000, "Expires is read");

const second = new MSC4108RendezvousSession({ url: first.url, onFailure: (reason) => failures.push(reason) });
await second.send("words of the second");
assert.equal(await first.receive(), "words of the second");
await first.send("words of the first");
assert.equal(await second.receive(), "words of the first");
await second.send("and once more");
assert.equal(await first.receive(), "and once more");
await first.close();
assert.equal(await second.receive(), undefined);
assert.deepEqual([second.cancelled, failures.length], [true, 1]);
process.exit(0);
