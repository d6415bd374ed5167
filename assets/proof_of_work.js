// Work in place of a CAPTCHA: finds the numbers whose hashes begin with zeros, a few milliseconds at a time, so that the page
// stays alive. The message of each hash (SHA-256, FIPS 180-4) is one block: the seed, the number of the piece, the number.
"use strict";
(() => {
  const box = document.querySelector("[data-work]");
  const form = box.closest("form");
  const { seed, pieces, zeros, working, waiting, done } = box.dataset;
  const status = box.querySelector("[role=status]");
  const bar = box.querySelector("progress");

  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
  const H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const W = new Int32Array(64);
  W.set(seed.match(/.{8}/g).map((word) => parseInt(word, 16) | 0));
  W[10] = 1 << 31;
  W[15] = 320;

  // The first 32 bits of the hash.
  const hash = (piece, number) => {
    W[8] = piece;
    W[9] = number;
    for (let i = 16; i < 64; i += 1) {
      const x = W[i - 15], y = W[i - 2];
      const s = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const t = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[i] = (W[i - 16] + s + W[i - 7] + t) | 0;
    }
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let i = 0; i < 64; i += 1) {
      const s = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t = (h + s + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const u = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const v = (u + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + v) | 0;
    }
    return (H[0] + a) | 0;
  };

  const found = [];
  let number = 0;
  let isDone = false;
  let button = null;
  // Between two messages the page does what else there is to do.
  const channel = new MessageChannel();
  const next = () => channel.port2.postMessage(null);
  channel.port1.onmessage = () => {
    const end = performance.now() + 12;
    while (found.length < pieces && performance.now() < end) {
      for (let i = 0; i < 64 && found.length < pieces; i += 1, number += 1) {
        if (Math.clz32(hash(found.length, number)) >= zeros) {
          found.push(number);
          number = -1;
        }
      }
    }
    bar.value = found.length;
    if (found.length < pieces) {
      next();
      return;
    }
    form.elements.captcha_solution.value = found.join(",");
    isDone = true;
    status.textContent = done;
    if (button) form.requestSubmit(button.form ? button : undefined);
  };
  form.addEventListener("submit", (event) => {
    if (isDone) return;
    event.preventDefault();
    button = event.submitter || form;
    status.textContent = waiting;
  });
  bar.hidden = false;
  status.textContent = working;
  next();
})();
