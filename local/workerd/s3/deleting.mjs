// DeleteObject and DeleteObjects. Deleting what is not there succeeds.
import { mismatch, promisesOf } from "./checksums.mjs";
import { CRCS } from "./crc.mjs";
import { S3Error } from "./errors.mjs";
import { hex } from "./hashes.mjs";
import { parseDelete, xmlResponse } from "./xml.mjs";

// 1000 keys of 1024 bytes, every byte escaped, fit.
const BODY_BYTES = 8 * 1024 * 1024;
const DIGESTS = { md5: "MD5", sha1: "SHA-1", sha256: "SHA-256" };

export async function deleteObject(call) {
  await call.bucket.delete(call.key);
  return new Response(null, { status: 204 });
}

async function digest(algorithm, bytes) {
  if (Object.hasOwn(DIGESTS, algorithm)) return crypto.subtle.digest(DIGESTS[algorithm], bytes);
  const crc = new CRCS[algorithm]();
  crc.update(bytes);
  return crc.digest();
}

export async function deleteObjects(call) {
  if (Number(call.headers.get("content-length") ?? 0) > BODY_BYTES)
    throw new S3Error(400, "MaxMessageLengthExceeded", "Your request was too big.");
  if (call.signature.payload.startsWith("STREAMING-")) {
    throw new S3Error(
      501,
      "NotImplemented",
      "DeleteObjects with a streamed payload not implemented",
    );
  }
  const bytes = new Uint8Array(await new Response(call.body).arrayBuffer());
  const { declared } = promisesOf(call.headers, call.signature.payload);
  for (const { algorithm, name, bytes: expected } of declared) {
    if (hex(await digest(algorithm, bytes)) !== hex(expected)) throw mismatch(name);
  }
  const { keys, quiet } = parseDelete(new TextDecoder().decode(bytes));
  await call.bucket.delete(keys);
  return xmlResponse("DeleteResult", quiet ? [] : keys.map((key) => ["Deleted", [["Key", key]]]));
}
