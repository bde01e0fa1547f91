// Decodes `Content-Encoding: aws-chunked` bodies: `SIZE[;chunk-signature=HEX]\r\n BYTES \r\n` ...
// `0[;...]\r\n`, trailers, `\r\n`. Signed chunks are verified before a byte of them passes.
// Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
import { S3Error } from "./errors.mjs";
import { equalText, hex, hmac, sha256Hex } from "./hashes.mjs";

// A signed chunk is held until its signature is checked; SDKs send 64 KiB to 1 MiB.
const SIGNED_CHUNK_BYTES = 16 * 1024 * 1024;
const LINE_BYTES = 8192;
const TRAILERS = 16;
const decoder = new TextDecoder();

const malformed = (why) =>
  new S3Error(400, "InvalidRequest", `The aws-chunked body is malformed: ${why}.`);
const forged = () =>
  new S3Error(
    403,
    "SignatureDoesNotMatch",
    "The signature of a chunk or of the trailer does not match.",
  );

function joined(one, other) {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}

export class ChunkedDecoder {
  /** Trailers by lower-case name; complete when the stream has ended. */
  trailers = {};
  failure;
  #buffer = new Uint8Array(0);
  #state = "size";
  #left = 0;
  #signature;
  #pieces = [];
  #trailerText = "";
  #previous;

  /** `signing`: {key, date, scope, seed} for STREAMING-AWS4-HMAC-SHA256-*, otherwise undefined. */
  constructor(signing, hasTrailer) {
    this.signing = signing;
    this.hasTrailer = hasTrailer;
    this.#previous = signing?.seed;
    this.stream = new TransformStream({
      transform: (chunk, controller) => this.#guard(() => this.#take(chunk, controller)),
      flush: () => this.#guard(() => this.#end()),
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
    this.#buffer = this.#buffer.length > 0 ? joined(this.#buffer, chunk) : chunk;
    while (await this.#step(controller));
    if (this.#state !== "data" && this.#buffer.length > LINE_BYTES)
      throw malformed("a line is too long");
  }

  /** Takes one element off the buffer; false when more bytes are needed. */
  async #step(controller) {
    if (this.#state === "data") return this.#data(controller);
    if (this.#state === "done") {
      if (this.#buffer.length > 0) throw malformed("bytes after its end");
      return false;
    }
    const line = this.#line();
    if (line === undefined) return false;
    if (this.#state === "size") await this.#size(line);
    else if (this.#state === "gap") await this.#gap(line, controller);
    else await this.#trailer(line);
    return true;
  }

  #line() {
    const end = this.#buffer.indexOf(13);
    if (end < 0 || end + 1 >= this.#buffer.length) return undefined;
    if (this.#buffer[end + 1] !== 10) throw malformed("CR without LF");
    const line = decoder.decode(this.#buffer.subarray(0, end));
    this.#buffer = this.#buffer.subarray(end + 2);
    return line;
  }

  async #size(line) {
    const found = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (!found) throw malformed("a chunk's size line");
    if (this.signing && found[2] === undefined) throw forged();
    this.#left = Number.parseInt(found[1], 16);
    this.#signature = found[2];
    if (this.signing && this.#left > SIGNED_CHUNK_BYTES)
      throw malformed(`a signed chunk over ${SIGNED_CHUNK_BYTES} bytes`);
    if (this.#left > 0) {
      this.#state = "data";
    } else {
      await this.#verifyChunk(new Uint8Array(0));
      this.#state = "trailer";
    }
  }

  #data(controller) {
    const count = Math.min(this.#left, this.#buffer.length);
    if (count === 0) return false;
    const piece = this.#buffer.subarray(0, count);
    if (this.signing) this.#pieces.push(piece);
    else controller.enqueue(piece);
    this.#buffer = this.#buffer.subarray(count);
    this.#left -= count;
    if (this.#left === 0) this.#state = "gap";
    return true;
  }

  async #gap(line, controller) {
    if (line !== "") throw malformed("a chunk is longer than its size");
    if (this.signing) {
      const chunk = this.#pieces.reduce(joined, new Uint8Array(0));
      this.#pieces = [];
      await this.#verifyChunk(chunk);
      controller.enqueue(chunk);
    }
    this.#state = "size";
  }

  async #verifyChunk(chunk) {
    if (!this.signing) return;
    await this.#verify(
      ["AWS4-HMAC-SHA256-PAYLOAD", await sha256Hex(""), await sha256Hex(chunk)],
      this.#signature,
    );
  }

  async #verify([algorithm, ...hashes], signature) {
    const { key, date, scope } = this.signing;
    const toSign = [algorithm, date, scope, this.#previous, ...hashes].join("\n");
    if (!equalText(hex(await hmac(key, toSign)), signature ?? "")) throw forged();
    this.#previous = signature;
  }

  async #trailer(line) {
    if (line === "") {
      await this.#verifyTrailer();
      this.#state = "done";
      return;
    }
    const colon = line.indexOf(":");
    if (!this.hasTrailer || colon < 1 || Object.keys(this.trailers).length >= TRAILERS)
      throw malformed("an unexpected trailer");
    const name = line.slice(0, colon).trim().toLowerCase();
    this.trailers[name] = line.slice(colon + 1).trim();
    if (name !== "x-amz-trailer-signature") this.#trailerText += `${name}:${this.trailers[name]}\n`;
  }

  async #verifyTrailer() {
    if (!this.signing || !this.hasTrailer) return;
    await this.#verify(
      ["AWS4-HMAC-SHA256-TRAILER", await sha256Hex(this.#trailerText)],
      this.trailers["x-amz-trailer-signature"],
    );
  }

  async #end() {
    // Some clients leave out the last empty line when there are no trailers.
    if (this.#state === "trailer" && this.#buffer.length === 0) {
      await this.#verifyTrailer();
      this.#state = "done";
    }
    if (this.#state !== "done")
      throw new S3Error(400, "IncompleteBody", "The aws-chunked body ended before its last chunk.");
  }
}
