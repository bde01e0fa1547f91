// GetObject and HeadObject.
import { noSuchKey, preconditionFailed } from "./errors.mjs";
import { rangeOf, readingStatus } from "./conditions.mjs";
import { base64 } from "./hashes.mjs";

const OVERRIDES = [
  "content-type",
  "content-language",
  "expires",
  "cache-control",
  "content-disposition",
  "content-encoding",
];

function metadataHeaders(object) {
  const {
    contentType,
    contentLanguage,
    contentDisposition,
    contentEncoding,
    cacheControl,
    cacheExpiry,
  } = object.httpMetadata ?? {};
  const headers = {
    "content-type": contentType ?? "application/octet-stream",
    "content-language": contentLanguage,
    "content-disposition": contentDisposition,
    "content-encoding": contentEncoding,
    "cache-control": cacheControl,
    expires: cacheExpiry?.toUTCString(),
    etag: object.httpEtag,
    "last-modified": object.uploaded.toUTCString(),
    "accept-ranges": "bytes",
  };
  for (const [name, value] of Object.entries(object.customMetadata ?? {}))
    headers[`x-amz-meta-${name}`] = value;
  return headers;
}

function checksumHeaders(object) {
  const { sha256, sha1 } = object.checksums ?? {};
  return {
    "x-amz-checksum-sha256": sha256 && base64(sha256),
    "x-amz-checksum-sha1": sha1 && base64(sha1),
    ...(sha256 || sha1 ? { "x-amz-checksum-type": "FULL_OBJECT" } : {}),
  };
}

function headersOf(call, object, range) {
  const wantsChecksums =
    call.headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED" && !range;
  const headers = new Headers();
  const all = { ...metadataHeaders(object), ...(wantsChecksums ? checksumHeaders(object) : {}) };
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) headers.set(name, value);
  for (const name of OVERRIDES) {
    const value = call.query.get(`response-${name}`);
    if (value !== undefined) headers.set(name, value);
  }
  if (range)
    headers.set(
      "content-range",
      `bytes ${range.offset}-${range.offset + range.length - 1}/${object.size}`,
    );
  headers.set("content-length", String(range ? range.length : object.size));
  return headers;
}

/** 304 keeps the headers a cache compares (RFC 9110, 15.4.5). */
function notModified(call, object) {
  const headers = headersOf(call, object);
  for (const name of ["content-length", "content-type"]) headers.delete(name);
  return new Response(null, { status: 304, headers });
}

async function described(call) {
  const object = await call.bucket.head(call.key);
  if (object === null) throw noSuchKey();
  const status = readingStatus(call.headers, object);
  if (status === 412) throw preconditionFailed();
  return { object, status };
}

export async function headObject(call) {
  const { object, status } = await described(call);
  if (status === 304) return notModified(call, object);
  const range = rangeOf(call.headers.get("range"), object.size);
  return new Response(null, { status: range ? 206 : 200, headers: headersOf(call, object, range) });
}

export async function getObject(call) {
  // The body must be of the version whose size the range was computed from.
  for (;;) {
    const { object, status } = await described(call);
    if (status === 304) return notModified(call, object);
    const range = rangeOf(call.headers.get("range"), object.size);
    const found = await call.bucket.get(call.key, { range, onlyIf: { etagMatches: object.etag } });
    if (found === null) throw noSuchKey();
    if (!found.body) continue;
    const headers = headersOf(call, found, range);
    // An encoded object (gzip) goes out as stored.
    return new Response(found.body, { status: range ? 206 : 200, headers, encodeBody: "manual" });
  }
}
