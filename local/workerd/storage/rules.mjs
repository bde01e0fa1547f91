// Whether a firewall rule's tree (provider/rule_expressions.py makes it) is true of a request.

const FIELDS = {
  // Cloudflare's is the host without a port.
  "http.host": ({ host }) => host.replace(/:[0-9]+$/, "").toLowerCase(),
  "http.request.method": ({ method }) => method,
  // With dot segments resolved, as it goes on.
  "http.request.uri.path": ({ url }) => url.pathname,
  "http.request.uri.query": ({ url }) => url.search.slice(1),
};

const COMPARISONS = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  in: (value, wanted) => wanted.includes(value),
  contains: (value, wanted) => value.includes(wanted),
  starts_with: (value, wanted) => value.startsWith(wanted),
  ends_with: (value, wanted) => value.endsWith(wanted),
};

function isTrue([operator, ...parts], facts) {
  if (operator === "and") return parts.every((part) => isTrue(part, facts));
  if (operator === "or") return parts.some((part) => isTrue(part, facts));
  if (operator === "not") return !isTrue(parts[0], facts);
  const [subject, wanted] = parts;
  if (operator.startsWith("header_")) {
    // Values of a repeated header come joined, so a second one makes `eq` false: stricter.
    const value = facts.headers.get(subject);
    return value !== null && COMPARISONS[operator.slice("header_".length)](value, wanted);
  }
  return COMPARISONS[operator](FIELDS[subject](facts), wanted);
}

export function blocks(tree, request) {
  const { method, headers } = request;
  return isTrue(tree, { method, headers, url: new URL(request.url), host: headers.get("host") ?? "" });
}
