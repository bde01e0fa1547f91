// The checksums a PUT declares, and a stream that lets its last bytes through only when all agree.
//
// R2's own put verifies one of MD5, SHA-1 and SHA-256 and keeps it with the object; that one needs no
// stream. Everything else (CRCs, a second digest, trailers, aws-chunked bodies) passes through
// `VerifiedBody`.
import { CRCS } from "./crc.mjs";
import { badDigest, invalidRequest, S3Error } from "./errors.mjs";
import { base64, fromBase64, hex } from "./hashes.mjs";

const LENGTHS = { crc32: 4, crc32c: 4, crc64nvme: 8, sha1: 20, sha256: 32 };
const DIGESTS = { md5: "MD5", sha1: "SHA-1", sha256: "SHA-256" };
const PREFIX = "x-amz-checksum-";
const NOT_VALUES = ["x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-checksum-algorithm"];

/** {algorithm, text, bytes} of a header or trailer `name: text`. */
export function checksumOf(name, text) {
  const algorithm = name.slice(PREFIX.length);
  if (!Object.hasOwn(LENGTHS, algorithm))
    throw invalidRequest(`The checksum ${name} is not supported.`);
  const bytes = fromBase64(text, LENGTHS[algorithm]);
  if (bytes === undefined) throw invalidRequest(`Value for ${name} header is invalid.`);
  return { algorithm, name, text, bytes };
}

function trailerAlgorithm(headers, declared) {
  const trailer = headers.get("x-amz-trailer");
  if (trailer === null) return undefined;
  const name = trailer.trim().toLowerCase();
  if (!name.startsWith(PREFIX) || !Object.hasOwn(LENGTHS, name.slice(PREFIX.length))) {
    throw invalidRequest("The value specified in the x-amz-trailer header is not supported");
  }
  if (declared.length > 0) throw invalidRequest("Expecting a single x-amz-checksum- header");
  return name.slice(PREFIX.length);
}

/**
 * What the headers and the signed payload hash promise of a body:
 * {declared: [{algorithm, name, bytes}], trailer: algorithm|undefined}.
 */
export function promisesOf(headers, payload) {
  const given = [...headers].filter(
    ([name]) => name.startsWith(PREFIX) && !NOT_VALUES.includes(name),
  );
  if (given.length > 1)
    throw invalidRequest(
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  const declared = given.map(([name, text]) => checksumOf(name, text));
  const trailer = trailerAlgorithm(headers, declared);
  const md5 = headers.get("content-md5");
  if (md5 !== null) {
    const bytes = fromBase64(md5, 16);
    if (bytes === undefined)
      throw new S3Error(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    declared.push({ algorithm: "md5", name: "content-md5", text: md5, bytes });
  }
  if (/^[0-9a-f]{64}$/.test(payload)) {
    const bytes = Uint8Array.from(payload.match(/../g), (pair) => Number.parseInt(pair, 16));
    declared.push({ algorithm: "sha256", name: "x-amz-content-sha256", text: payload, bytes });
  }
  return { declared, trailer };
}

/** The one checksum R2's put shall verify and keep, and the rest. */
export function shareWithR2(declared) {
  const order = [
    "x-amz-checksum-sha256",
    "x-amz-content-sha256",
    "x-amz-checksum-sha1",
    "content-md5",
  ];
  const native = order.map((name) => declared.find((one) => one.name === name)).find(Boolean);
  return { native, rest: declared.filter((one) => one !== native) };
}

export function mismatch(name) {
  if (name === "x-amz-content-sha256") {
    return new S3Error(
      400,
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  return badDigest(`The ${name} you specified did not match what we received.`);
}

class Digest {
  #stream;
  #writer;

  constructor(algorithm) {
    this.#stream = new crypto.DigestStream(DIGESTS[algorithm]);
    this.#writer = this.#stream.getWriter();
  }

  update(bytes) {
    return this.#writer.write(bytes);
  }

  async digest() {
    await this.#writer.close();
    return new Uint8Array(await this.#stream.digest);
  }
}

function hasher(algorithm) {
  return Object.hasOwn(CRCS, algorithm) ? new CRCS[algorithm]() : new Digest(algorithm);
}

/**
 * A transform that passes bytes on and holds the last chunk back until length and checksums are
 * right; otherwise it fails, and `failure` says why. So R2 never sees the end of a wrong body.
 * `trailers` (of the aws-chunked decoder) are complete by then.
 */
export class VerifiedBody {
  failure;
  /** Verified checksums by header name, for the answer. */
  verified = {};
  #held;
  #seen = 0;
  #hashers = new Map();

  constructor({ length, declared, trailer, trailers }) {
    this.expected = { length, declared, trailer, trailers };
    for (const { algorithm } of declared) this.#hashers.set(algorithm, hasher(algorithm));
    if (trailer) this.#hashers.set(trailer, hasher(trailer));
    this.stream = new TransformStream({
      transform: (chunk, controller) => this.#guard(() => this.#take(chunk, controller)),
      flush: (controller) => this.#guard(() => this.#finish(controller)),
    });
  }

  async #guard(step) {
    try {
      await step();
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  async #take(chunk, controller) {
    if (chunk.length === 0) return;
    this.#seen += chunk.length;
    if (this.#seen > this.expected.length) throw this.#incomplete();
    for (const one of this.#hashers.values()) await one.update(chunk);
    if (this.#held) controller.enqueue(this.#held);
    this.#held = chunk;
  }

  #incomplete() {
    return new S3Error(
      400,
      "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header",
    );
  }

  async #finish(controller) {
    if (this.#seen !== this.expected.length) throw this.#incomplete();
    const computed = new Map();
    for (const [algorithm, one] of this.#hashers) computed.set(algorithm, await one.digest());
    for (const { algorithm, name, bytes } of this.#all()) {
      if (hex(computed.get(algorithm)) !== hex(bytes)) throw mismatch(name);
      if (name.startsWith(PREFIX)) this.verified[name] = base64(bytes);
    }
    if (this.#held) controller.enqueue(this.#held);
  }

  #all() {
    const { declared, trailer, trailers } = this.expected;
    if (!trailer) return declared;
    const name = PREFIX + trailer;
    if (trailers?.[name] === undefined) {
      throw new S3Error(
        400,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
      );
    }
    return [...declared, checksumOf(name, trailers[name])];
  }
}
