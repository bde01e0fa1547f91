// CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload over R2's binding,
// which checks sizes and part tags itself.
import { promisesOf } from "./checksums.mjs";
import { writingCondition } from "./conditions.mjs";
import { invalidArgument, notImplemented, preconditionFailed, S3Error } from "./errors.mjs";
import { noSuchUpload, UploadIndex } from "./multipart_index.mjs";
import {
  bodyOf,
  checkHeaders,
  customMetadata,
  declaredLength,
  failureOf,
  httpMetadata,
} from "./writing.mjs";
import { parseComplete, xmlResponse } from "./xml.mjs";

// developers.cloudflare.com/r2/platform/limits
const MOST_PARTS = 10_000;
const PART_BYTES = 5 * 1024 ** 3;
// 10,000 parts of their longest form fit.
const BODY_BYTES = 4 * 1024 * 1024;

export function indexOf(call) {
  return new UploadIndex(call.bucketName, call.uploads);
}

export function partNumber(call) {
  const text = call.query.get("partNumber");
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > MOST_PARTS)
    throw invalidArgument(`Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`);
  return Number(text);
}

/** R2's errors of an upload, as its S3 API words them. */
export function refusalOf(error) {
  const text = String(error.message ?? error);
  if (/\(10024\)/.test(text)) return noSuchUpload();
  if (/\(10025\)/.test(text))
    return new S3Error(
      400,
      "InvalidPart",
      "One or more of the specified parts could not be found.",
    );
  if (/\(10011\)/.test(text))
    return new S3Error(
      400,
      "EntityTooSmall",
      "Your proposed upload is smaller than the minimum allowed object size.",
    );
  if (/\(10048\)/.test(text))
    return new S3Error(
      400,
      "InvalidPart",
      "All non-trailing parts must have the same length.",
    );
  return error;
}

export async function createUpload(call) {
  checkHeaders(call.headers);
  const upload = await call.bucket.createMultipartUpload(call.key, {
    httpMetadata: httpMetadata(call.headers),
    customMetadata: customMetadata(call.headers),
  });
  await indexOf(call).begin(upload.uploadId, call.key);
  return xmlResponse("InitiateMultipartUploadResult", [
    ["Bucket", call.bucketName],
    ["Key", call.key],
    ["UploadId", upload.uploadId],
  ]);
}

export async function uploadPart(call) {
  const number = partNumber(call);
  const length = declaredLength(call.headers);
  checkHeaders(call.headers);
  if (length > PART_BYTES)
    throw new S3Error(
      400,
      "EntityTooLarge",
      "Your proposed upload exceeds the maximum allowed object size.",
    );
  const { declared } = promisesOf(call.headers, call.signature.payload);
  const digest = declared.find(({ name }) => /^x-amz-checksum-sha(1|256)$/.test(name));
  // As R2 answers (probed 2026-08-24, Alos-no/Cloudflare.NET issue 43).
  if (digest) throw notImplemented(`UploadPart with ${digest.name} is`);
  const uploadId = call.query.get("uploadId");
  const index = indexOf(call);
  await index.find(uploadId, call.key);
  const { body, checks, verified } = bodyOf(call, length, { nativeChecks: false });
  let part;
  try {
    part = await call.bucket.resumeMultipartUpload(call.key, uploadId).uploadPart(number, body);
  } catch (error) {
    throw refusalOf(failureOf(error, checks));
  }
  await index.notePart(uploadId, number, { etag: part.etag, size: length });
  const headers = new Headers({ etag: `"${part.etag}"` });
  for (const [name, value] of Object.entries(verified?.verified ?? {})) headers.set(name, value);
  return new Response(null, { status: 200, headers });
}

export async function completeUpload(call) {
  const uploadId = call.query.get("uploadId");
  if (declaredLength(call.headers) > BODY_BYTES)
    throw new S3Error(400, "MaxMessageLengthExceeded", "Your request was too big.");
  const parts = parseComplete(await new Response(call.body).text());
  const condition = writingCondition(call.headers);
  const index = indexOf(call);
  await index.find(uploadId, call.key);
  const done = await completed(call, { uploadId, parts, condition });
  await index.end(uploadId);
  return xmlResponse("CompleteMultipartUploadResult", [
    ["Location", `/${call.bucketName}/${call.key}`],
    ["Bucket", call.bucketName],
    ["Key", call.key],
    ["ETag", done.httpEtag],
  ]);
}

/** In the object that completes one upload of a key after the other (completions.mjs). */
async function completed(call, order) {
  const turn = call.completions.get(
    call.completions.idFromName(`${call.bucketName}/${call.key}`),
  );
  const answer = await turn.fetch("http://completions/", {
    method: "POST",
    body: JSON.stringify({ ...order, binding: call.bindingOf(call.bucketName), key: call.key }),
  });
  const said = await answer.json();
  if (said.httpEtag) return said;
  if (said.refused === "condition") throw preconditionFailed();
  throw refusalOf(new Error(said.error));
}

export async function abortUpload(call) {
  const uploadId = call.query.get("uploadId");
  const index = indexOf(call);
  await index.find(uploadId, call.key);
  try {
    await call.bucket.resumeMultipartUpload(call.key, uploadId).abort();
  } catch (error) {
    throw refusalOf(error);
  }
  await index.end(uploadId);
  return new Response(null, { status: 204 });
}
