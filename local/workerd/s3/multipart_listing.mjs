// ListParts and ListMultipartUploads.
import { invalidArgument } from "./errors.mjs";
import { encoderOf, isAfter } from "./listing.mjs";
import { indexOf } from "./multipart.mjs";
import { xmlResponse } from "./xml.mjs";

const MOST = 1000;

function limitOf(query, name) {
  const text = query.get(name) ?? String(MOST);
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument(`${name} must be a whole number from 0.`);
  return Math.min(Number(text), MOST);
}

export async function listParts(call) {
  const upload = call.query.get("uploadId");
  const limit = limitOf(call.query, "max-parts");
  const text = call.query.get("part-number-marker") ?? "0";
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument("part-number-marker must be a whole number.");
  const { encoding, encode } = encoderOf(call.query);
  const index = indexOf(call);
  await index.find(upload, call.key);
  const rest = (await index.parts(upload)).filter(({ number }) => number > Number(text));
  const shown = rest.slice(0, limit);
  const truncated = rest.length > shown.length;
  return xmlResponse("ListPartsResult", [
    ["Bucket", call.bucketName],
    ["Key", encode(call.key)],
    ["UploadId", upload],
    ["EncodingType", encoding],
    ["StorageClass", "STANDARD"],
    ["PartNumberMarker", text],
    ["NextPartNumberMarker", truncated ? (shown.at(-1)?.number ?? text) : undefined],
    ["MaxParts", limit],
    ["IsTruncated", truncated],
    ...shown.map(({ number, etag, size, modified }) => [
      "Part",
      [
        ["PartNumber", number],
        ["LastModified", modified],
        ["ETag", `"${etag}"`],
        ["Size", size],
      ],
    ]),
  ]);
}

export async function listUploads(call) {
  const prefix = call.query.get("prefix") ?? "";
  const limit = limitOf(call.query, "max-uploads");
  const keyMarker = call.query.get("key-marker");
  const uploadMarker = call.query.get("upload-id-marker");
  const { encoding, encode } = encoderOf(call.query);
  const isBehind = ({ key, upload }) =>
    keyMarker === undefined ||
    isAfter(key, keyMarker) ||
    (key === keyMarker && uploadMarker !== undefined && upload > uploadMarker);
  const rest = (await indexOf(call).uploads())
    .filter((one) => one.key.startsWith(prefix) && isBehind(one))
    .sort((one, other) => {
      if (one.key !== other.key) return isAfter(one.key, other.key) ? 1 : -1;
      return one.upload > other.upload ? 1 : -1;
    });
  const shown = rest.slice(0, limit);
  const truncated = rest.length > shown.length;
  return xmlResponse("ListMultipartUploadsResult", [
    ["Bucket", call.bucketName],
    ["Prefix", encode(prefix)],
    ["KeyMarker", keyMarker && encode(keyMarker)],
    ["UploadIdMarker", uploadMarker],
    ["NextKeyMarker", truncated ? encode(shown.at(-1)?.key ?? "") : undefined],
    ["NextUploadIdMarker", truncated ? shown.at(-1)?.upload : undefined],
    ["MaxUploads", limit],
    ["EncodingType", encoding],
    ["IsTruncated", truncated],
    ...shown.map(({ key, upload, initiated }) => [
      "Upload",
      [
        ["Key", encode(key)],
        ["UploadId", upload],
        ["Initiated", initiated],
        ["StorageClass", "STANDARD"],
      ],
    ]),
  ]);
}
