// What stands in front of an S3-compatible server of the local cloud: for `minio` Cloudflare's proxy
// with the zone's firewall rules, for `b2` what Backblaze does in its own way.
//
// A request goes on as it came: target, Host and headers byte for byte (so that signatures stay
// valid; only literal dot segments are resolved), the body as a stream. Answers come back the same
// way.
import { B2 } from "./b2.mjs";
import { s3Error } from "./errors.mjs";
import { blocks } from "./rules.mjs";

async function refuse(request, response) {
  // Nobody reads what is left of a refused body.
  await request.body?.cancel().catch(() => {});
  return request.method === "HEAD" ? new Response(null, response) : response;
}

function blocked(rule) {
  return new Response(
    `local cloud: error code: 1020, blocked by the zone's firewall rule ${JSON.stringify(rule.description)}\n`,
    { status: 403, headers: { "content-type": "text/plain;charset=UTF-8" } },
  );
}

async function forward(request, env) {
  try {
    return await env.ORIGIN.fetch(request, { redirect: "manual" });
  } catch {
    return refuse(
      request,
      s3Error(
        503,
        "ServiceUnavailable",
        `The S3 server that plays storage ${env.SERVER} in the local cloud does not answer: it was ` +
          "stopped, is being started, or failed. `stowage status` says which, `stowage up` starts it.",
      ),
    );
  }
}

export default {
  async fetch(request, env) {
    const rule = env.RULES.find((one) => blocks(one.tree, request));
    if (rule) return refuse(request, blocked(rule));
    if (env.SERVER !== "b2") return forward(request, env);
    const b2 = new B2(request, env.DAEMON);
    const wrong = b2.refusal();
    return wrong ? refuse(request, wrong) : b2.answer((sent) => forward(sent, env));
  },
};
