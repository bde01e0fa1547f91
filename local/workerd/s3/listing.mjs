// ListObjects (v1) and ListObjectsV2.
//
// A page goes on after its last element: a key, or a common prefix, which is skipped with all it
// stands for by going on after `prefix + U+10FFFF`, the greatest character.
import { invalidArgument } from "./errors.mjs";
import { uriEncode } from "./target.mjs";
import { xmlResponse } from "./xml.mjs";

const MOST_KEYS = 1000;
const GREATEST = "\u{10FFFF}";
const encoder = new TextEncoder();

/** Order of R2 and S3: by UTF-8 bytes, which JavaScript's own order of UTF-16 units is not. */
export function isAfter(one, other) {
  const [left, right] = [encoder.encode(one), encoder.encode(other)];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    if (left[index] !== right[index]) return left[index] > right[index];
  }
  return left.length > right.length;
}

function maxKeys(query) {
  const text = query.get("max-keys") ?? String(MOST_KEYS);
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument("max-keys must be a whole number from 0.");
  return Math.min(Number(text), MOST_KEYS);
}

/** How a list writes keys: as they are, or URL-encoded. */
export function encoderOf(query) {
  const encoding = query.get("encoding-type");
  if (encoding !== undefined && encoding !== "url")
    throw invalidArgument("Invalid Encoding Method specified in Request");
  // S3 leaves "/" as it is.
  const encoded = (text) => uriEncode(text).replaceAll("%2F", "/");
  return { encoding, encode: encoding === "url" ? encoded : (text) => text };
}

function parameters(query) {
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") || undefined,
    limit: maxKeys(query),
    ...encoderOf(query),
  };
}

async function page(bucket, { prefix, delimiter, limit }, after) {
  if (limit === 0) return { objects: [], prefixes: [], truncated: false };
  const startAfter =
    delimiter && after?.endsWith(delimiter) && after.startsWith(prefix) && after !== prefix
      ? after + GREATEST
      : after;
  const found = await bucket.list({
    prefix: prefix || undefined,
    delimiter,
    limit,
    startAfter: startAfter || undefined,
  });
  const prefixes = found.delimitedPrefixes ?? [];
  const last = [found.objects.at(-1)?.key, prefixes.at(-1)]
    .filter((one) => one !== undefined)
    .reduce((one, other) => (isAfter(one, other) ? one : other), "");
  return { objects: found.objects, prefixes, truncated: found.truncated, last };
}

function contents({ objects, prefixes }, encode) {
  return [
    ...objects.map(({ key, uploaded, httpEtag, size, storageClass }) => [
      "Contents",
      [
        ["Key", encode(key)],
        ["LastModified", uploaded.toISOString()],
        ["ETag", httpEtag],
        ["Size", size],
        ["StorageClass", storageClass === "InfrequentAccess" ? "STANDARD_IA" : "STANDARD"],
      ],
    ]),
    ...prefixes.map((prefix) => ["CommonPrefixes", [["Prefix", encode(prefix)]]]),
  ];
}

function head(call, { prefix, delimiter, limit, encoding, encode }) {
  return [
    ["Name", call.bucketName],
    ["Prefix", encode(prefix)],
    ["Delimiter", delimiter && encode(delimiter)],
    ["MaxKeys", limit],
    ["EncodingType", encoding],
  ];
}

export async function listObjects(call) {
  const wanted = parameters(call.query);
  const marker = call.query.get("marker") ?? "";
  const found = await page(call.bucket, wanted, marker);
  return xmlResponse("ListBucketResult", [
    ...head(call, wanted),
    ["Marker", wanted.encode(marker)],
    ["IsTruncated", found.truncated],
    ["NextMarker", found.truncated ? wanted.encode(found.last) : undefined],
    ...contents(found, wanted.encode),
  ]);
}

const TOKEN = /^1([A-Za-z0-9_-]*)$/;

function tokenOf(last) {
  const binary = String.fromCharCode(...encoder.encode(last));
  return `1${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

function fromToken(token) {
  const found = TOKEN.exec(token);
  try {
    const binary = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(binary, (char) => char.charCodeAt(0)),
    );
  } catch {
    throw invalidArgument("The continuation token provided is incorrect");
  }
}

export async function listObjectsV2(call) {
  if (call.query.get("list-type") !== "2") throw invalidArgument("list-type must be 2.");
  const wanted = parameters(call.query);
  const token = call.query.get("continuation-token");
  const startAfter = call.query.get("start-after");
  const found = await page(
    call.bucket,
    wanted,
    token === undefined ? startAfter : fromToken(token),
  );
  return xmlResponse("ListBucketResult", [
    ...head(call, wanted),
    ["KeyCount", found.objects.length + found.prefixes.length],
    ["ContinuationToken", token],
    ["StartAfter", startAfter === undefined ? undefined : wanted.encode(startAfter)],
    ["IsTruncated", found.truncated],
    ["NextContinuationToken", found.truncated ? tokenOf(found.last) : undefined],
    ...contents(found, wanted.encode),
  ]);
}
