// What Backblaze B2's S3 interface does in another way than the server behind this.
//
// Refused, as B2 refuses it, so that tests prove that nobody asks for it: checksum headers, tags,
// conditional writes, bucket policies. The sources stand beside the facts in
// functions/core/storages.py; nothing of this was seen on B2 itself. Added: versions of everything
// and lifecycle rules, which the daemon keeps (local/b2_buckets.py).
import { s3Error } from "./errors.mjs";

const WRITES = new Set(["PUT", "POST"]);
const HEADERS = /^x-amz-(checksum-.+|sdk-checksum-algorithm|trailer|tagging|tagging-directive)$/;
const CONDITIONS = ["if-match", "if-none-match"];
const SUBRESOURCES = ["tagging", "policy"];
const BUCKET_PATH = /^\/([^/]+)\/?$/;
// Parameters that say nothing: newer clients name the operation.
const SILENT = new Set(["x-id"]);
const [OK, NO_CONTENT, CONFLICT, NOT_IMPLEMENTED] = [200, 204, 409, 501];

export class B2 {
  #request;
  #daemon;
  #parameters;
  #bucket;

  constructor(request, daemon) {
    const url = new URL(request.url);
    this.#request = request;
    this.#daemon = daemon;
    this.#parameters = [...url.searchParams.keys()].map((name) => name.toLowerCase());
    // Of a request for a bucket itself; undefined for one for an object.
    this.#bucket = BUCKET_PATH.exec(url.pathname)?.[1];
  }

  /** The answer to what B2 does not do; undefined for everything else. */
  refusal() {
    const { headers, method } = this.#request;
    const subresource = SUBRESOURCES.find((name) => this.#parameters.includes(name));
    if (subresource)
      return s3Error(400, "InvalidArgument", `Unsupported query parameter: ${subresource}`);
    if (!WRITES.has(method)) return undefined;
    // A presigned URL may carry in its query what would else be a header.
    const unsupported = [...headers.keys(), ...this.#parameters].find((name) => HEADERS.test(name));
    if (unsupported)
      return s3Error(
        400,
        "InvalidArgument",
        `Unsupported header '${unsupported}' received for this API call.`,
      );
    if (CONDITIONS.some((name) => headers.has(name)))
      return s3Error(
        501,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented.",
      );
    return undefined;
  }

  /** The answer of the server, which `forward` asks, with what B2 adds to it. */
  async answer(forward) {
    if (this.#bucket === undefined) return forward(this.#request);
    if (this.#parameters.includes("lifecycle")) return this.#lifecycle(forward);
    const { method } = this.#request;
    const response = await forward(this.#request);
    const isOwn = this.#parameters.every((name) => SILENT.has(name));
    if (isOwn && method === "PUT" && [OK, CONFLICT].includes(response.status))
      return (await this.#ask("POST")) ?? response;
    if (isOwn && method === "DELETE" && response.status === NO_CONTENT)
      return (await this.#ask("DELETE", "/lifecycle")) ?? response;
    return response;
  }

  async #lifecycle(forward) {
    const { method } = this.#request;
    const document = method === "PUT" ? await this.#request.text() : undefined;
    const response = await forward(new Request(this.#request, { body: document }));
    // The server looks at the signature first, and at what it does not have last.
    if (response.status !== NOT_IMPLEMENTED) return response;
    const kept = await this.#fetch(method, "/lifecycle", document);
    if (!kept.ok) return s3Error(500, "InternalError", await kept.text());
    if (method === "PUT") return new Response(null, { status: OK });
    if (method === "DELETE") return new Response(null, { status: NO_CONTENT });
    if (kept.status === OK)
      return new Response(kept.body, { headers: { "content-type": "application/xml" } });
    return s3Error(404, "NoSuchLifecycleConfiguration", "The bucket has no lifecycle rules.");
  }

  /** Tells the daemon; the error it gives, if any. */
  async #ask(method, path = "") {
    const answer = await this.#fetch(method, path);
    return answer.ok ? undefined : s3Error(500, "InternalError", await answer.text());
  }

  #fetch(method, path, body) {
    return this.#daemon.fetch(`http://daemon/_local/b2/${this.#bucket}${path}`, { method, body });
  }
}
