// AWS Signature Version 4 for S3: verifies header and query authentication.
//
// 1. Either an Authorization header or X-Amz-* query parameters, each parameter once; never both.
// 2. Clock skew 15 minutes; a presigned URL lives X-Amz-Expires, 1 s to 7 days.
// 3. `host` and every x-amz-* header of the request must be signed, and every signed header present.
// 4. S3 encodes the path once and does not normalise it.
// Source: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
import { accessDenied, invalidArgument, invalidRequest, S3Error } from "./errors.mjs";
import { equalText, hex, hmac, sha256Hex } from "./hashes.mjs";
import { uriEncode } from "./target.mjs";

const ALGORITHM = "AWS4-HMAC-SHA256";
const SKEW_MILLISECONDS = 15 * 60 * 1000;
const LONGEST_SECONDS = 7 * 24 * 3600;
const UNSIGNED = "UNSIGNED-PAYLOAD";
const QUERY_PARAMETERS = [
  "Algorithm",
  "Credential",
  "Date",
  "Expires",
  "SignedHeaders",
  "Signature",
].map((name) => `X-Amz-${name}`);
export const STREAMING_PAYLOADS = [
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
];

const badQuery = (message) => new S3Error(400, "AuthorizationQueryParametersError", message);
const badHeader = (message) => new S3Error(400, "AuthorizationHeaderMalformed", message);

function fromQuery({ pairs, query }) {
  for (const name of QUERY_PARAMETERS) {
    const count = pairs.filter(([given]) => given === name).length;
    if (count !== 1)
      throw badQuery(
        `Query-string authentication needs ${name} exactly once; it is there ${count} times.`,
      );
  }
  if (query.get("X-Amz-Algorithm") !== ALGORITHM)
    throw badQuery(`X-Amz-Algorithm must be ${ALGORITHM}.`);
  const expires = query.get("X-Amz-Expires");
  if (!/^[0-9]{1,9}$/.test(expires) || Number(expires) < 1 || Number(expires) > LONGEST_SECONDS) {
    throw badQuery(`X-Amz-Expires must be from 1 to ${LONGEST_SECONDS} seconds.`);
  }
  return {
    credential: query.get("X-Amz-Credential"),
    signedHeaders: query.get("X-Amz-SignedHeaders"),
    signature: query.get("X-Amz-Signature"),
    date: query.get("X-Amz-Date"),
    expires: Number(expires),
    payload: UNSIGNED,
    malformed: badQuery,
  };
}

function fromHeader(headers) {
  const authorization = headers.get("authorization");
  const found =
    /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([^,\s]+)$/.exec(
      authorization,
    );
  if (!found) {
    if (!authorization.startsWith(ALGORITHM))
      throw invalidRequest(
        `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
      );
    throw badHeader("The authorization header is malformed.");
  }
  const payload = headers.get("x-amz-content-sha256");
  if (payload === null)
    throw invalidRequest("Missing required header for this request: x-amz-content-sha256");
  if (
    payload !== UNSIGNED &&
    !STREAMING_PAYLOADS.includes(payload) &&
    !/^[0-9a-f]{64}$/.test(payload)
  ) {
    throw invalidArgument(
      `x-amz-content-sha256 must be ${UNSIGNED}, ${STREAMING_PAYLOADS.join(", ")}, or a valid sha256 value.`,
    );
  }
  const [, credential, signedHeaders, signature] = found;
  return {
    credential,
    signedHeaders,
    signature,
    date: headers.get("x-amz-date"),
    payload,
    malformed: badHeader,
  };
}

function claimsOf(target, headers) {
  const presigned = target.pairs.some(
    ([name]) => name === "X-Amz-Signature" || name === "X-Amz-Algorithm",
  );
  const authorization = headers.get("authorization");
  if (presigned && authorization !== null) {
    throw invalidArgument(
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified.",
    );
  }
  if (presigned) return fromQuery(target);
  if (authorization === null) throw accessDenied("The request is not signed.");
  return fromHeader(headers);
}

function checkTime({ date, expires, malformed }, now) {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date ?? "");
  const at = found
    ? Date.parse(`${found.slice(1, 4).join("-")}T${found.slice(4).join(":")}Z`)
    : Number.NaN;
  if (Number.isNaN(at))
    throw malformed("X-Amz-Date must be in the ISO8601 format YYYYMMDDTHHMMSSZ.");
  if (expires !== undefined) {
    if (at - now > SKEW_MILLISECONDS) throw accessDenied("Request is not yet valid");
    if (now > at + expires * 1000) throw accessDenied("Request has expired");
  } else if (Math.abs(now - at) > SKEW_MILLISECONDS) {
    throw new S3Error(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and the server's time is too large.",
    );
  }
}

function scopeOf({ credential, date, malformed }, region) {
  const parts = credential.split("/");
  if (parts.length !== 5)
    throw malformed("The credential must be KEY/DATE/REGION/s3/aws4_request.");
  const [accessKeyId, day, credentialRegion, service, end] = parts;
  // R2 takes us-east-1 as another name of its region (developers.cloudflare.com/r2/api/s3/api).
  if (credentialRegion !== region && credentialRegion !== "us-east-1") {
    throw new S3Error(
      400,
      "InvalidRegionName",
      `The region name '${credentialRegion}' is not valid; use '${region}'.`,
    );
  }
  if (service !== "s3" || end !== "aws4_request")
    throw malformed("The credential's scope must end in /s3/aws4_request.");
  if (day !== date.slice(0, 8))
    throw malformed("The credential's date is not the date of the request.");
  return { accessKeyId, day, region: credentialRegion, text: parts.slice(1).join("/") };
}

function checkSignedHeaders(names, headers) {
  if (!names.includes("host"))
    throw accessDenied("There were headers present in the request which were not signed: host");
  const unsigned = [...headers]
    .map(([name]) => name)
    .filter((name) => name.startsWith("x-amz-") && !names.includes(name));
  if (unsigned.length > 0)
    throw accessDenied(
      `There were headers present in the request which were not signed: ${unsigned.join(", ")}`,
    );
}

function canonicalRequest(method, target, headers, claims, names) {
  const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
  const query = target.pairs
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [uriEncode(name), uriEncode(value)])
    .sort((one, other) => compare(one[0], other[0]) || compare(one[1], other[1]))
    .map((pair) => pair.join("="))
    .join("&");
  const lines = names.map(
    (name) => `${name}:${(headers.get(name) ?? "").trim().replace(/\s+/g, " ")}`,
  );
  return [method, target.canonicalPath, query, ...lines, "", names.join(";"), claims.payload].join(
    "\n",
  );
}

async function signingKey(secret, { day, region }) {
  let key = `AWS4${secret}`;
  for (const part of [day, region, "s3", "aws4_request"]) key = await hmac(key, part);
  return key;
}

/**
 * Verifies `method`, `target` (parseTarget) and `headers` against `tokens` at `now` (milliseconds).
 * Returns {token, payload, presigned, chunks}: `chunks` signs the chunks of a streamed body.
 */
export async function verifySignature({ method, target, headers }, { tokens, region }, now) {
  const claims = claimsOf(target, headers);
  checkTime(claims, now);
  const scope = scopeOf(claims, region);
  const token = tokens.find(({ access_key_id: id }) => id === scope.accessKeyId);
  if (token === undefined)
    throw new S3Error(
      403,
      "InvalidAccessKeyId",
      "The access key ID you provided does not exist in our records.",
    );
  const names = claims.signedHeaders.split(";");
  checkSignedHeaders(names, headers);
  const canonical = canonicalRequest(method, target, headers, claims, names);
  const toSign = [ALGORITHM, claims.date, scope.text, await sha256Hex(canonical)].join("\n");
  const key = await signingKey(token.secret_access_key, scope);
  const isComplete = names.every((name) => headers.get(name) !== null);
  if (!equalText(hex(await hmac(key, toSign)), claims.signature) || !isComplete) {
    throw new S3Error(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your secret access key and signing method.",
      { StringToSign: toSign, CanonicalRequest: canonical },
    );
  }
  return {
    token,
    payload: claims.payload,
    presigned: claims.expires !== undefined,
    chunks: { key, date: claims.date, scope: scope.text, seed: claims.signature },
  };
}
