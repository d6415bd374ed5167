// Owns how a story reads its mail: the development mode puts each mail into a folder, one file each.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.KEYMAKER_MAIL;

/** Undoes the transfer encodings, as far as they are used. */
function plain(raw) {
  const [, ...parts] = raw.split(/^--/m);
  const part = parts.find((text) => /content-type: text\/plain/i.test(text)) ?? raw;
  const body = part.slice(part.search(/\r?\n\r?\n/)).trim();
  if (/transfer-encoding: base64/i.test(part)) return Buffer.from(body, "base64").toString("utf8");
  if (!/transfer-encoding: quoted-printable/i.test(part)) return body;
  const bytes = body.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function mailsTo(address) {
  let files = [];
  try {
    files = readdirSync(folder).filter((name) => name.endsWith(".eml"));
  } catch {
    // Before the first mail there is no folder.
  }
  const raws = files.sort().map((name) => readFileSync(join(folder, name), "utf8"));
  return raws.filter((raw) => raw.split(/\r?\n\r?\n/)[0].includes(address)).map(plain);
}

/** Waits for a mail to this address that holds something, and answers the last such thing that is not among `known`. */
export async function find(address, pattern, known = []) {
  for (let i = 0; i < 600; i++) {
    const found = mailsTo(address).flatMap((text) => text.match(pattern)?.[1] ?? []);
    const fresh = found.filter((one) => !known.includes(one));
    if (fresh.length > 0) return fresh.at(-1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`no mail to ${address} holds ${pattern}`);
}

/** The code in a mail. */
export const code = (address, known) => find(address, /^\s*([0-9]{6})\s*$/m, known);

/** The way back in that a mail shows. */
export const link = (address, known) => find(address, /(https?:\S+\/recover\/\S+)/, known);
