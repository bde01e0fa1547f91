// The local cloud's way to its own data plane, for the daemon only (header x-stowage-control).
//
//   POST   /d1/{id}/query               {sql, params?} | {batch: [{sql, params?}]} -> {result: [...]}
//   GET    /d1/{id}/export              -> the database as SQL text
//   GET    /r2/{bucket}?prefix&cursor&limit&delimiter -> {objects, truncated, cursor?, delimited_prefixes}
//   GET    /r2/{bucket}/{key}           -> the object's bytes, with content-type and etag
//   DELETE /r2/{bucket}/{key}           -> {}
//   POST   /workers/{name}/queue        {queue, messages: [{id, timestamp, attempts, body}]} -> outcome and acks
//   POST   /workers/{name}/scheduled    {cron, scheduledTime} -> {outcome, noRetry, error?}
//   POST   /workers/{name}/warm         -> {}; 500 {error: traceback}
//   POST   /caches/purge                {at, purge_everything?, tags?, hosts?, prefixes?} -> {}; in every data centre
//
// Every error is {error: text} with a 4xx or 5xx status.
import { dump, query } from "./databases.mjs";
import { list, read, remove } from "./buckets.mjs";
import { deliver, purge, trigger, warm } from "./events.mjs";
import { AdminError } from "./errors.mjs";

const ROUTES = [
  [
    "POST",
    /^\/d1\/([^/]+)\/query$/,
    (call) => query(bound(call, "DATABASES", "database"), call.body),
  ],
  ["GET", /^\/d1\/([^/]+)\/export$/, (call) => dump(bound(call, "DATABASES", "database"))],
  ["GET", /^\/r2\/([^/]+)$/, (call) => list(bound(call, "BUCKETS", "bucket"), call.search)],
  [
    "GET",
    /^\/r2\/([^/]+)\/(.+)$/,
    (call) => read(bound(call, "BUCKETS", "bucket"), call.parts[1]),
  ],
  [
    "DELETE",
    /^\/r2\/([^/]+)\/(.+)$/,
    (call) => remove(bound(call, "BUCKETS", "bucket"), call.parts[1]),
  ],
  ["POST", /^\/workers\/([^/]+)\/queue$/, (call) => deliver(...entrypoints(call), call.body)],
  ["POST", /^\/workers\/([^/]+)\/scheduled$/, (call) => trigger(...entrypoints(call), call.body)],
  ["POST", /^\/workers\/([^/]+)\/warm$/, (call) => warm(bound(call, "CONTROLS", "Worker"))],
  ["POST", /^\/caches\/purge$/, ({ env, body }) => purge(controls(env), body)],
];

function bound({ env, parts }, table, kind) {
  if (!Object.hasOwn(env[table], parts[0]))
    throw new AdminError(404, `there is no ${kind} ${parts[0]} in the local cloud`);
  return env[env[table][parts[0]]];
}

function controls(env) {
  return Object.values(env.CONTROLS).map((binding) => env[binding]);
}

function entrypoints(call) {
  return [bound(call, "WORKERS", "Worker"), bound(call, "CONTROLS", "Worker")];
}

async function bodyOf(request) {
  if (request.method !== "POST") return undefined;
  const text = await request.text();
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new AdminError(400, "the body is not JSON");
  }
}

async function handle(request, env) {
  if (request.headers.get("x-stowage-control") !== env.CONTROL_SECRET) {
    throw new AdminError(403, "the header x-stowage-control is missing or wrong");
  }
  const { pathname, searchParams } = new URL(request.url);
  for (const [method, pattern, run] of ROUTES) {
    const found = method === request.method && pattern.exec(pathname);
    if (!found) continue;
    const parts = found.slice(1).map(decodeURIComponent);
    return (await run({ env, parts, search: searchParams, body: await bodyOf(request) })) ?? {};
  }
  throw new AdminError(404, `there is no ${request.method} ${pathname}`);
}

export default {
  async fetch(request, env) {
    try {
      const answer = await handle(request, env);
      return answer instanceof Response ? answer : Response.json(answer);
    } catch (error) {
      if (!(error instanceof AdminError)) console.error(error.stack ?? String(error));
      return Response.json(
        { error: String(error.message ?? error) },
        { status: error.status ?? 500 },
      );
    }
  },
};
