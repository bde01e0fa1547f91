// The public side of the local cloud, one Worker on three direct sockets:
//
// - edge: the Host header chooses the Worker by the route table (requests in absolute form too);
// - api, cdn: as edge, with the Host of that entry in place of 127.0.0.1:PORT.
//
// Where there are several data centres (tests), the header `x-stowage-data-centre` chooses the one that
// the request comes to; without it, it is the first.
//
// Path, query and headers reach the Worker byte for byte (worker/original_request.mjs), bodies
// stream. The client's address is set as on Cloudflare and never taken from the client.
//
// This is stricter than a zone with Cloudflare's default settings, where URL normalisation decodes
// unreserved characters, resolves dot segments, merges slashes and turns backslashes into slashes
// before a Worker sees the URL (developers.cloudflare.com/rules/normalization). With that setting
// off a Worker gets what it gets here. Two things nobody sees: the fragment, which workerd cuts off,
// and the authority of a request in absolute form, for which the Host header speaks.
import { isServed } from "./names.mjs";
import { routeOf } from "./routes.mjs";

const ORIGINAL_URL = "x-stowage-original-url";
const DATA_CENTRE = "x-stowage-data-centre";
// Every socket of the local cloud is bound to the loopback address.
const CLIENT_ADDRESS = "127.0.0.1";
const FROM_CLOUDFLARE = [
  "cf-connecting-ip",
  "true-client-ip",
  "cf-ray",
  "cf-visitor",
  "cf-ipcountry",
  "cf-worker",
];

function plain(status, text) {
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain;charset=UTF-8" },
  });
}

/** The path and query as they stood in the request line; request.url is not parsed on a direct socket. */
function target(url) {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? undefined : url.slice(start);
}

function forwarded(request, host, path) {
  const headers = new Headers(request.headers);
  for (const name of [...FROM_CLOUDFLARE, DATA_CENTRE]) headers.delete(name);
  headers.set("cf-connecting-ip", CLIENT_ADDRESS);
  headers.set("x-forwarded-proto", "http");
  headers.set("host", host);
  headers.set(ORIGINAL_URL, encodeURIComponent(`http://${host}${path}`));
  // redirect: a Worker's 3xx is the client's to follow.
  return new Request(`http://${host}/`, {
    method: request.method,
    headers,
    body: request.body,
    redirect: "manual",
  });
}

async function dispatch(request, env, entryHost) {
  const path = target(request.url);
  const host = (entryHost ?? request.headers.get("host") ?? "").toLowerCase();
  if (path === undefined)
    return plain(400, "the request target must be a path or an absolute URL with a path");
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]+)?$/.test(host))
    return plain(400, "the Host header is missing or malformed");
  if (entryHost === undefined && !(await isServed(env, host)))
    return plain(
      403,
      `error code: 1014 (local cloud: ${host} is neither of the zone nor an active custom hostname)`,
    );
  const script = routeOf(env.ROUTES, host, path);
  if (script === undefined)
    return plain(
      522,
      `local cloud: no route matches ${host}${path.split("?")[0]}, and there is no origin behind it`,
    );
  if (script === null) {
    return plain(
      522,
      `local cloud: the route for ${host} has no script, so the request would go to an origin, which is not there`,
    );
  }
  const [home, ...others] = env.DATA_CENTRES;
  const asked = others.length > 0 ? request.headers.get(DATA_CENTRE) : null;
  const workers = env.WORKERS[asked ?? home];
  if (workers === undefined) return plain(400, `there is no data centre ${asked}`);
  try {
    return await env[workers[script]].fetch(forwarded(request, host, path));
  } catch {
    // The Worker's host has logged the traceback under the Worker's name.
    return plain(500, "error code: 1101");
  }
}

export default { fetch: (request, env) => dispatch(request, env) };
export const Api = { fetch: (request, env) => dispatch(request, env, env.ENTRY_HOSTS.api) };
export const Cdn = { fetch: (request, env) => dispatch(request, env, env.ENTRY_HOSTS.cdn) };
