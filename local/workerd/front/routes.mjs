// Route patterns of a zone: [http[s]://]HOST/PATH with `*` anywhere; the most specific one wins.
//
// Specific means, in this order: a host without a wildcard, the longer host, a path without a
// wildcard, the longer path (developers.cloudflare.com/workers/configuration/routing/routes).

function parts(pattern) {
  const bare = pattern.replace(/^https?:\/\//, "");
  const slash = bare.indexOf("/");
  return slash < 0
    ? { host: bare, path: "/" }
    : { host: bare.slice(0, slash), path: bare.slice(slash) };
}

function matches(pattern, text) {
  const pieces = pattern.split("*").map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pieces.join(".*")}$`, "s").test(text);
}

function specificity({ host, path }) {
  return [host.includes("*") ? 0 : 1, host.length, path.includes("*") ? 0 : 1, path.length];
}

function isMoreSpecific(one, other) {
  const [left, right] = [specificity(one), specificity(other)];
  const index = left.findIndex((value, position) => value !== right[position]);
  return index >= 0 && left[index] > right[index];
}

/** The script of the route for `host` (with or without a port) and `path`; null: a route without one. */
export function routeOf(routes, host, path) {
  const name = host.replace(/:[0-9]+$/, "").replace(/\.$/, "");
  let best;
  for (const { pattern, script } of routes) {
    const { host: hostPattern, path: pathPattern } = parts(pattern);
    if (!matches(hostPattern.toLowerCase(), name) || !matches(pathPattern, path)) continue;
    const candidate = { host: hostPattern, path: pathPattern, script };
    if (best === undefined || isMoreSpecific(candidate, best)) best = candidate;
  }
  return best === undefined ? undefined : (best.script ?? null);
}
