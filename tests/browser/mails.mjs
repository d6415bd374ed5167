// Owns the mails that a server put into a folder in place of sending them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const decode = (body, encoding) =>
  encoding === "base64"
    ? Buffer.from(body, "base64")
    : Buffer.from(body.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), "latin1");

/** What a mail says in plain text. */
function text(raw) {
  const part = raw.split(/^--.*$/m).find((one) => /^content-type: text\/plain/im.test(one));
  const [head, ...body] = part.trimStart().split(/\r?\n\r?\n/);
  return decode(body.join("\n\n"), head.match(/^content-transfer-encoding: (\S+)/im)?.[1]).toString("utf8");
}

const to = (raw) => raw.match(/^to: *(.*)$/im)[1].trim();

/** Waits for a mail to an address that holds what a pattern finds, and answers the newest such find. */
export async function fromMail(folder, address, pattern) {
  for (let tries = 0; tries < 600; tries += 1) {
    const files = readdirSync(folder, { withFileTypes: true }).filter((file) => file.name.endsWith(".eml"));
    const mails = files.map((file) => readFileSync(join(folder, file.name), "utf8")).filter((raw) => to(raw) === address);
    const finds = mails.sort((one, other) => sentAt(one) - sentAt(other)).map((raw) => text(raw).match(pattern)?.[1]);
    const found = finds.filter(Boolean).at(-1);
    if (found) return found;
    await new Promise((later) => setTimeout(later, 50));
  }
  throw new Error(`no mail to ${address} with ${pattern}`);
}

const sentAt = (raw) => Date.parse(raw.match(/^date: *(.*)$/im)[1]);

/** The code of a mail, on a line of its own. */
export const CODE = /^ *(\d{6})\s*$/m;
/** The link of a mail that leads to a new password. */
export const RECOVERY = /(https?:\/\/\S*\/recover\/\S+)/;
