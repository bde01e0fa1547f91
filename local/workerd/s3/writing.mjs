// PutObject: length, checksums and conditions of a body that streams into R2.
import { ChunkedDecoder } from "./chunked.mjs";
import { mismatch, promisesOf, shareWithR2, VerifiedBody } from "./checksums.mjs";
import { writingCondition } from "./conditions.mjs";
import {
  invalidArgument,
  invalidRequest,
  notImplemented,
  preconditionFailed,
  S3Error,
} from "./errors.mjs";

// developers.cloudflare.com/r2/platform/limits
const PUT_BYTES = 5 * 1024 ** 3;
const METADATA_BYTES = 8192;
const NOT_IMPLEMENTED = [
  /^x-amz-(tagging|tagging-directive|acl|website-redirect-location)$/,
  /^x-amz-(grant-|object-lock-|server-side-encryption|copy-source-server-side-encryption)/,
];

// R2 has no ACLs, but takes the one that says what is so anyway; rclone and aptly send nothing else.
const PRIVATE = new Set(["private", ""]);

export function checkHeaders(headers) {
  for (const [name, value] of headers) {
    if (name === "x-amz-acl" && PRIVATE.has(value)) continue;
    if (NOT_IMPLEMENTED.some((pattern) => pattern.test(name)))
      throw notImplemented(`Header '${name}' with value '${value}'`);
  }
}

function wholeNumber(text, name) {
  if (!/^\d{1,15}$/.test(text)) throw invalidArgument(`${name} must be a whole number.`);
  return Number(text);
}

/** The body's length in bytes; a request that names none is answered 411 before anything else. */
export function declaredLength(headers) {
  const decoded = headers.get("x-amz-decoded-content-length");
  const length = decoded ?? headers.get("content-length");
  if (length === null)
    throw new S3Error(
      411,
      "MissingContentLength",
      "You must provide the Content-Length HTTP header.",
    );
  return wholeNumber(length, decoded === null ? "Content-Length" : "x-amz-decoded-content-length");
}

export function httpMetadata(headers) {
  const text = (name) => headers.get(name) ?? undefined;
  const encoding = text("content-encoding")
    ?.split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "aws-chunked")
    .join(",");
  const expires = Date.parse(text("expires") ?? "");
  return {
    contentType: text("content-type"),
    contentLanguage: text("content-language"),
    contentDisposition: text("content-disposition"),
    contentEncoding: encoding || undefined,
    cacheControl: text("cache-control"),
    cacheExpiry: Number.isNaN(expires) ? undefined : new Date(expires),
  };
}

export function customMetadata(headers) {
  const found = [...headers].filter(([name]) => name.startsWith("x-amz-meta-"));
  const metadata = Object.fromEntries(
    found.map(([name, value]) => [name.slice("x-amz-meta-".length), value]),
  );
  const bytes = found.reduce(
    (sum, [name, value]) => sum + name.length - "x-amz-meta-".length + value.length,
    0,
  );
  if (bytes > METADATA_BYTES)
    throw new S3Error(
      400,
      "MetadataTooLarge",
      "Your metadata headers exceed the maximum allowed metadata size.",
    );
  return metadata;
}

/**
 * The body for R2: the client's own stream where R2 can verify it, else a verified one of fixed
 * length. Without `nativeChecks` (a part of an upload) R2 verifies nothing.
 */
export function bodyOf(call, length, { nativeChecks = true } = {}) {
  const { declared, trailer } = promisesOf(call.headers, call.signature.payload);
  const isChunked = call.signature.payload.startsWith("STREAMING-");
  if (trailer && !call.signature.payload.endsWith("-TRAILER"))
    throw invalidRequest("x-amz-trailer needs a payload with a trailer.");
  const { native, rest } = nativeChecks ? shareWithR2(declared) : { rest: declared };
  const source = call.body ?? new Blob([]).stream();
  if (!isChunked && rest.length === 0)
    return { body: length === 0 ? new Uint8Array(0) : source, native, checks: [] };
  const decoder = isChunked
    ? new ChunkedDecoder(
        call.signature.payload.startsWith("STREAMING-AWS4-") ? call.signature.chunks : undefined,
        call.signature.payload.endsWith("-TRAILER"),
      )
    : undefined;
  const verified = new VerifiedBody({
    length,
    declared: rest,
    trailer,
    trailers: decoder?.trailers,
  });
  const decoded = decoder ? source.pipeThrough(decoder.stream) : source;
  const body = decoded.pipeThrough(verified.stream).pipeThrough(new FixedLengthStream(length));
  return { body, native, checks: [decoder, verified].filter(Boolean), verified };
}

export function failureOf(error, checks, native) {
  const found = checks.map(({ failure }) => failure).find((failure) => failure instanceof S3Error);
  if (found) return found;
  const text = String(error.message ?? error);
  if (/\(10037\)|checksum/i.test(text)) return mismatch(native?.name ?? "checksum");
  if (/FixedLengthStream|disconnected|premature|lost|aborted/i.test(text)) {
    return new S3Error(400, "IncompleteBody", "The request body ended before the declared length.");
  }
  return error;
}

export async function putObject(call) {
  const length = declaredLength(call.headers);
  checkHeaders(call.headers);
  if (length > PUT_BYTES)
    throw new S3Error(
      400,
      "EntityTooLarge",
      "Your proposed upload exceeds the maximum allowed object size.",
    );
  const onlyIf = writingCondition(call.headers);
  const { body, native, checks, verified } = bodyOf(call, length);
  let stored;
  try {
    stored = await call.bucket.put(call.key, body, {
      onlyIf,
      httpMetadata: httpMetadata(call.headers),
      customMetadata: customMetadata(call.headers),
      ...(native ? { [native.algorithm]: native.bytes } : {}),
    });
  } catch (error) {
    throw failureOf(error, checks, native);
  }
  if (stored === null) throw preconditionFailed();
  const headers = new Headers({ etag: stored.httpEtag });
  for (const [name, value] of Object.entries(verified?.verified ?? {})) headers.set(name, value);
  if (native?.name.startsWith("x-amz-checksum-")) headers.set(native.name, native.text);
  return new Response(null, { status: 200, headers });
}
