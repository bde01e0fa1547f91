// The S3 endpoint of the local cloud: R2's S3 API in path style over the R2 bindings.
//
// A request is refused in this order: no length (411), signature (400, 403), scope of the token
// (403), condition (412). Refused requests store nothing. Bodies stream.
import { preflight, withCors } from "./cors.mjs";
import { S3Error } from "./errors.mjs";
import { operate } from "./operations.mjs";
import { verifySignature } from "./sigv4.mjs";
import { parseTarget } from "./target.mjs";
import { declaredLength } from "./writing.mjs";
import { xmlDocument } from "./xml.mjs";

export { Completions } from "./completions.mjs";

function errorResponse(error, request) {
  const known =
    error instanceof S3Error
      ? error
      : new S3Error(500, "InternalError", "We encountered an internal error. Please try again.");
  if (known !== error) console.error(error.stack ?? String(error));
  const elements = [
    ["Code", known.code],
    ["Message", known.message],
    ...Object.entries(known.details),
  ];
  const body =
    request.method === "HEAD" || known.status === 304
      ? null
      : xmlDocument("Error", elements, { namespace: "" });
  return new Response(body, {
    status: known.status,
    headers: { "content-type": "application/xml", ...known.headers },
  });
}

/** The bucket's CORS rules; a client chooses the name, so it may be that of a property of any object. */
function rulesOf(config, bucket) {
  return Object.hasOwn(config.cors ?? {}, bucket) ? config.cors[bucket] : undefined;
}

async function handle(request, target, env) {
  if (request.method === "OPTIONS") return preflight(request, rulesOf(env.S3, target.bucket));
  if (request.method === "PUT" || request.method === "POST") declaredLength(request.headers);
  const signature = await verifySignature(
    { method: request.method, target, headers: request.headers },
    env.S3,
    Date.now(),
  );
  return operate(request, target, signature, { env, config: env.S3 });
}

export default {
  async fetch(request, env) {
    let rules;
    try {
      const target = parseTarget(request.url);
      rules = rulesOf(env.S3, target.bucket);
      return withCors(request, await handle(request, target, env), rules);
    } catch (error) {
      // Nobody reads what is left of a refused body.
      await request.body?.cancel().catch(() => {});
      return withCors(request, errorResponse(error, request), rules);
    }
  },
};
