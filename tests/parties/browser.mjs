// Owns a browser without script for the stories of relying parties: cookies, redirects and forms, and a person who signs in, allows,
// and says yes to signing out, until the browser leaves for the application.
import assert from "node:assert/strict";

const { KEYMAKER_USER: username, KEYMAKER_PASSWORD: password } = process.env;

const unescape = (html) => html.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(code)).replaceAll("&amp;", "&");
const attribute = (tag, name) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return found && unescape(found[1]);
};

/** The forms of a page that are sent by POST: where to, and the fields that the page fills in itself. */
const forms = (html) =>
  [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)]
    .filter(([, opening]) => attribute(opening, "method") === "post")
    .map(([, opening, inner]) => ({
      action: attribute(opening, "action"),
      asks: (name) => new RegExp(`name="${name}"`).test(inner),
      hidden: [...inner.matchAll(/<input[^>]*>/g)]
        .map(([tag]) => tag)
        .filter((tag) => attribute(tag, "type") === "hidden")
        .map((tag) => [attribute(tag, "name"), attribute(tag, "value") ?? ""]),
    }));

export class Browser {
  #cookies = new Map();

  async #fetch(url, init = {}) {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";");
      const [name, value] = pair.split(/=(.*)/s);
      if (attributes.some((text) => /max-age=0/i.test(text))) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  /** Goes on from an address until the browser is at another origin, or at a page that asks for nothing more. Gives the address
   * and, where a form took it there, the fields of the form. */
  async go(address) {
    let url = new URL(address);
    const home = url.origin;
    let init;
    for (let step = 0; step < 20; step += 1) {
      const response = await this.#fetch(url, init);
      const location = response.headers.get("location");
      init = undefined;
      if (location) {
        url = new URL(location, url);
        if (url.origin !== home) return { url };
        continue;
      }
      const html = await response.text();
      const page = forms(html);
      const away = page.find((form) => form.action && new URL(form.action, url).origin !== home);
      if (away) return { url: new URL(away.action), fields: new URLSearchParams(away.hidden) };
      const form = page.find((one) => one.asks("password")) ?? page.find((one) => one.asks("action")) ?? page[0];
      if (!form || response.status !== 200) return { url, html, status: response.status };
      const fields = new URLSearchParams(form.hidden);
      if (form.asks("password")) for (const [name, value] of Object.entries({ username, password })) fields.set(name, value);
      else if (form.asks("action")) fields.set("action", "allow");
      url = new URL(form.action, url);
      init = { method: "POST", body: fields, headers: { "sec-fetch-site": "same-origin", origin: home } };
    }
    assert.fail(`round in circles at ${url}`);
  }
}
