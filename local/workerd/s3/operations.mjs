// Which operation a signed request asks for, and what it needs of the token.
import { accessDenied, invalidArgument, notImplemented, S3Error } from "./errors.mjs";
import { copyObject, uploadPartCopy } from "./copying.mjs";
import { deleteObject, deleteObjects } from "./deleting.mjs";
import { listObjects, listObjectsV2 } from "./listing.mjs";
import { abortUpload, completeUpload, createUpload, uploadPart } from "./multipart.mjs";
import { listParts, listUploads } from "./multipart_listing.mjs";
import { getObject, headObject } from "./reading.mjs";
import { putObject } from "./writing.mjs";
import { xmlResponse } from "./xml.mjs";

const KEY_BYTES = 1024;
// Subresources of S3 that R2 has not, or that this face does not give (README of the local cloud).
const NOT_IMPLEMENTED = new Set(
  (
    "accelerate acl analytics attributes cors encryption intelligent-tiering inventory legal-hold lifecycle logging " +
    "metadataTable metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock " +
    "replication requestPayment restore retention select tagging torrent versionId versioning versions website"
  ).split(" "),
);

const read = (run) => ({ permission: "read", run });
const write = (run) => ({ permission: "write", run });

const copies = (call) => call.headers.has("x-amz-copy-source");

function getPart(call) {
  if (call.query.has("partNumber")) throw notImplemented("The subresource 'partNumber' is");
  return call.query.has("uploadId") ? listParts(call) : getObject(call);
}

function headPart(call) {
  if (call.query.has("partNumber")) throw notImplemented("The subresource 'partNumber' is");
  return headObject(call);
}

function put(call) {
  if (call.query.has("partNumber") !== call.query.has("uploadId"))
    throw invalidArgument("partNumber and uploadId belong together.");
  if (call.query.has("uploadId")) return copies(call) ? uploadPartCopy(call) : uploadPart(call);
  return copies(call) ? copyObject(call) : putObject(call);
}

function post(call) {
  if (call.query.has("uploads")) return createUpload(call);
  if (call.query.has("uploadId")) return completeUpload(call);
  // A form of a browser (POST policy): developers.cloudflare.com/r2/api/s3/presigned-urls.
  throw notImplemented("This POST operation is");
}

const OBJECT = {
  GET: read(getPart),
  HEAD: read(headPart),
  PUT: write(put),
  POST: write(post),
  DELETE: write((call) => (call.query.has("uploadId") ? abortUpload(call) : deleteObject(call))),
};

function getBucket(call) {
  if (call.query.has("location")) return xmlResponse("LocationConstraint", call.region);
  if (call.query.has("uploads")) return listUploads(call);
  return call.query.has("list-type") ? listObjectsV2(call) : listObjects(call);
}

function postBucket(call) {
  if (!call.query.has("delete")) throw notImplemented("This POST operation is");
  return deleteObjects(call);
}

// Buckets are made by the platform's own program; no S3 token may.
const refused = () => {
  throw accessDenied();
};
const BUCKET = {
  GET: read(getBucket),
  HEAD: read(() => new Response(null, { status: 200 })),
  POST: write(postBucket),
  PUT: write(refused),
  DELETE: write(refused),
};

function listBuckets({ token, region }) {
  const buckets = [...token.buckets].sort().map((name) => [
    "Bucket",
    [
      ["Name", name],
      ["BucketRegion", region],
    ],
  ]);
  return xmlResponse("ListAllMyBucketsResult", [["Buckets", buckets]]);
}

function checkKey(key) {
  if (new TextEncoder().encode(key).length > KEY_BYTES)
    throw new S3Error(400, "KeyTooLongError", "Your key is too long");
  if (key.includes("\0")) throw invalidArgument("A key must not hold a NUL character.");
}

function operationOf(method, { bucket, key, query }) {
  const unknown = [...query.keys()].find((name) => NOT_IMPLEMENTED.has(name));
  if (unknown !== undefined) throw notImplemented(`The subresource '${unknown}' is`);
  const table = key === "" ? BUCKET : OBJECT;
  if (bucket === "" || !Object.hasOwn(table, method)) {
    throw new S3Error(
      405,
      "MethodNotAllowed",
      "The specified method is not allowed against this resource.",
    );
  }
  return table[method];
}

/** Runs the operation within the scope of the token: its buckets, and read or write. */
export async function operate(request, target, signature, { env, config }) {
  const { token } = signature;
  const common = {
    query: target.query,
    headers: request.headers,
    body: request.body,
    signature,
    token,
    region: config.region,
  };
  if (target.bucket === "" && request.method === "GET") return listBuckets(common);
  const operation = operationOf(request.method, target);
  if (!token.buckets.includes(target.bucket)) throw accessDenied();
  if (operation.permission === "write" && token.permission !== "write") throw accessDenied();
  if (!Object.hasOwn(config.buckets, target.bucket))
    throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist.");
  checkKey(target.key);
  return operation.run({
    ...common,
    bucket: env[config.buckets[target.bucket]],
    bucketName: target.bucket,
    key: target.key,
    uploads: env.UPLOADS_INDEX,
    completions: env.COMPLETIONS,
    bindingOf: (name) => (Object.hasOwn(config.buckets, name) ? config.buckets[name] : undefined),
    bucketOf: (name) =>
      Object.hasOwn(config.buckets, name) ? env[config.buckets[name]] : undefined,
  });
}
