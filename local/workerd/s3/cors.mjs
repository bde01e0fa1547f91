// A bucket's CORS rules, in Cloudflare's shape: {allowed: {methods, origins, headers?},
// expose_headers?, max_age_seconds?}. The first rule that allows a request speaks for it.
import { S3Error } from "./errors.mjs";

function matches(pattern, text) {
  const pieces = pattern.split("*").map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pieces.join(".*")}$`, "i").test(text);
}

function ruleFor(rules, origin, method, headers = []) {
  return rules.find(
    ({ allowed }) =>
      allowed.origins.some((pattern) => matches(pattern, origin)) &&
      allowed.methods.includes(method) &&
      headers.every((name) => (allowed.headers ?? []).some((pattern) => matches(pattern, name))),
  );
}

function originHeaders(rule, origin) {
  return {
    "access-control-allow-origin": rule.allowed.origins.includes("*") ? "*" : origin,
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  };
}

/** Answers a preflight, which carries no signature. */
export function preflight(request, rules = []) {
  const origin = request.headers.get("origin");
  const method = request.headers.get("access-control-request-method");
  if (origin === null || method === null)
    throw new S3Error(
      400,
      "BadRequest",
      "A preflight needs Origin and Access-Control-Request-Method.",
    );
  const names = (request.headers.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
  const rule = ruleFor(rules, origin, method, names);
  if (rule === undefined)
    throw new S3Error(403, "Forbidden", "CORSResponse: This CORS request is not allowed.");
  const headers = new Headers({
    ...originHeaders(rule, origin),
    "access-control-allow-methods": rule.allowed.methods.join(", "),
  });
  if (names.length > 0) headers.set("access-control-allow-headers", names.join(", "));
  if (rule.max_age_seconds !== undefined)
    headers.set("access-control-max-age", String(rule.max_age_seconds));
  return new Response(null, { status: 204, headers });
}

/** Adds what lets a page of an allowed origin read `response`, errors too. */
export function withCors(request, response, rules = []) {
  const origin = request.headers.get("origin");
  if (origin === null) return response;
  const rule = ruleFor(rules, origin, request.method);
  if (rule === undefined) return response;
  for (const [name, value] of Object.entries(originHeaders(rule, origin)))
    response.headers.set(name, value);
  if (rule.expose_headers?.length)
    response.headers.set("access-control-expose-headers", rule.expose_headers.join(", "));
  return response;
}
