// Which operation a signed request asks for, and what it needs of the token.
import { accessDenied, invalidArgument, notImplemented, S3Error } from "./errors.mjs";
import { deleteObject, deleteObjects } from "./deleting.mjs";
import { listObjects, listObjectsV2 } from "./listing.mjs";
import { getObject, headObject } from "./reading.mjs";
import { putObject } from "./writing.mjs";
import { xmlResponse } from "./xml.mjs";

const KEY_BYTES = 1024;
// Subresources of S3 that R2 has not, or that this face does not give (README of the local cloud).
const NOT_IMPLEMENTED = new Set(
  (
    "accelerate acl analytics attributes cors encryption intelligent-tiering inventory legal-hold lifecycle logging " +
    "metadataTable metrics notification object-lock ownershipControls partNumber policy policyStatus publicAccessBlock " +
    "replication requestPayment restore retention select tagging torrent uploadId uploads versionId versioning versions website"
  ).split(" "),
);

const read = (run) => ({ permission: "read", run });
const write = (run) => ({ permission: "write", run });

const OBJECT = {
  GET: read(getObject),
  HEAD: read(headObject),
  PUT: write(putObject),
  DELETE: write(deleteObject),
};

function getBucket(call) {
  if (call.query.has("location")) return xmlResponse("LocationConstraint", call.region);
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
  });
}
