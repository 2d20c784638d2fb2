// Tries counters until the derived key starts with the wanted bytes.
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

onmessage = async ({ data: wanted }) => {
  const nonce = bytes(wanted.nonce);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  const counted = new DataView(password.buffer, nonce.length);
  const how = { name: "PBKDF2", hash: wanted.algorithm.split("/")[1], salt: bytes(wanted.salt), iterations: wanted.cost };
  const started = performance.now();
  for (let counter = 0; ; counter++) {
    counted.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derived = hex(await crypto.subtle.deriveBits(how, key, wanted.keyLength * 8));
    if (derived.startsWith(wanted.keyPrefix)) {
      postMessage({ counter, derivedKey: derived, time: performance.now() - started });
      return;
    }
  }
};
