// CopyObject and UploadPartCopy: within the buckets that the token may read. Bytes stream from one
// binding to the other.
//
// The source's conditions are S3's (x-amz-copy-source-if-*); those on the destination are R2's own
// headers, cf-copy-destination-if-*: R2 ignores plain If-None-Match here, and so does this face
// (developers.cloudflare.com/r2/api/s3/conditional-operations).
import { readingStatus, writingCondition } from "./conditions.mjs";
import { accessDenied, invalidArgument, noSuchKey, preconditionFailed, S3Error } from "./errors.mjs";
import { indexOf, partNumber, refusalOf } from "./multipart.mjs";
import { checkHeaders, customMetadata, httpMetadata } from "./writing.mjs";
import { xmlResponse } from "./xml.mjs";

const PUT_BYTES = 5 * 1024 ** 3;
const CONDITIONS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

function renamed(headers, prefix) {
  const found = new Headers();
  for (const name of CONDITIONS) {
    const value = headers.get(prefix + name);
    if (value !== null) found.set(name, value);
  }
  return found;
}

function sourceOf(call) {
  let text;
  try {
    text = decodeURIComponent(call.headers.get("x-amz-copy-source")).replace(/^\//, "");
  } catch {
    throw invalidArgument("Copy Source must be URL-encoded.");
  }
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1)
    throw invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  const [name, key] = [text.slice(0, slash), text.slice(slash + 1)];
  if (!call.token.buckets.includes(name)) throw accessDenied();
  const bucket = call.bucketOf(name);
  if (bucket === undefined)
    throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist.");
  return { name, key, bucket };
}

/** The source's object with its body, or its range; its conditions hold. */
async function opened(call, { bucket, key }, rangeOf = () => undefined) {
  const described = await bucket.head(key);
  if (described === null) throw noSuchKey();
  // A copy has no answer without a body: 304 is 412 here.
  if (readingStatus(renamed(call.headers, "x-amz-copy-source-"), described) !== 200)
    throw preconditionFailed();
  const range = rangeOf(described.size);
  const found = await bucket.get(key, { range, onlyIf: { etagMatches: described.etag } });
  if (!found?.body) throw preconditionFailed();
  return { object: found, length: range?.length ?? found.size };
}

function fixed(body, length) {
  return length === 0 ? new Uint8Array(0) : body.pipeThrough(new FixedLengthStream(length));
}

function metadataOf(call, object) {
  const directive = call.headers.get("x-amz-metadata-directive") ?? "COPY";
  if (directive === "COPY")
    return { httpMetadata: object.httpMetadata, customMetadata: object.customMetadata };
  if (directive === "REPLACE")
    return {
      httpMetadata: httpMetadata(call.headers),
      customMetadata: customMetadata(call.headers),
    };
  throw invalidArgument("Unknown metadata directive.");
}

export async function copyObject(call) {
  checkHeaders(call.headers);
  const source = sourceOf(call);
  if (
    source.name === call.bucketName &&
    source.key === call.key &&
    call.headers.get("x-amz-metadata-directive") !== "REPLACE"
  )
    throw new S3Error(
      400,
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
    );
  const { object, length } = await opened(call, source);
  if (length > PUT_BYTES)
    throw new S3Error(
      400,
      "EntityTooLarge",
      "The specified copy source is larger than the maximum allowable size for a copy source.",
    );
  const { sha256 } = object.checksums ?? {};
  const stored = await call.bucket.put(call.key, fixed(object.body, length), {
    onlyIf: writingCondition(renamed(call.headers, "cf-copy-destination-")),
    ...metadataOf(call, object),
    ...(sha256 ? { sha256 } : {}),
  });
  if (stored === null) throw preconditionFailed();
  return xmlResponse("CopyObjectResult", [
    ["ETag", stored.httpEtag],
    ["LastModified", stored.uploaded.toISOString()],
  ]);
}

function partRange(header) {
  return (size) => {
    if (header === null) return undefined;
    const found = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header);
    if (!found) throw invalidArgument("x-amz-copy-source-range must be bytes=first-last.");
    const [first, last] = [Number(found[1]), Number(found[2])];
    if (first > last || last >= size)
      throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable");
    return { offset: first, length: last - first + 1 };
  };
}

export async function uploadPartCopy(call) {
  const number = partNumber(call);
  checkHeaders(call.headers);
  const uploadId = call.query.get("uploadId");
  const index = indexOf(call);
  await index.find(uploadId, call.key);
  const range = partRange(call.headers.get("x-amz-copy-source-range"));
  const { object, length } = await opened(call, sourceOf(call), range);
  let part;
  try {
    part = await call.bucket
      .resumeMultipartUpload(call.key, uploadId)
      .uploadPart(number, fixed(object.body, length));
  } catch (error) {
    throw refusalOf(error);
  }
  const modified = await index.notePart(uploadId, number, { etag: part.etag, size: length });
  return xmlResponse("CopyPartResult", [
    ["ETag", `"${part.etag}"`],
    ["LastModified", modified],
  ]);
}
