// HMAC and digests of short texts, and encodings of bytes.
const encoder = new TextEncoder();
const bytesOf = (data) => (typeof data === "string" ? encoder.encode(data) : data);

export const hex = (data) =>
  Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
export const base64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));

/** Bytes of a base64 text of exactly `length` bytes, undefined when it is not that. */
export function fromBase64(text, length) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return bytes.length === length ? bytes : undefined;
}

export async function hmac(key, data) {
  const imported = await crypto.subtle.importKey(
    "raw",
    bytesOf(key),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return crypto.subtle.sign("HMAC", imported, bytesOf(data));
}

export async function sha256Hex(data) {
  return hex(await crypto.subtle.digest("SHA-256", bytesOf(data)));
}

/** Compares in a time that does not depend on where the texts differ. */
export function equalText(one, other) {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let index = 0; index < one.length; index += 1)
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index);
  return difference === 0;
}
