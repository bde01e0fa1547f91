// The request as the client sent it. A call from Worker to Worker resolves dot segments in the URL,
// so the front Worker sends the client's own URL in a header; it is taken off here. A Worker must
// see what an attacker sends.
export const ORIGINAL_URL = "x-stowage-original-url";

export function originalRequest(request) {
  const encoded = request.headers.get(ORIGINAL_URL);
  if (encoded === null) return request;
  const copy = new Request(request);
  copy.headers.delete(ORIGINAL_URL);
  Object.defineProperty(copy, "url", { value: decodeURIComponent(encoded), enumerable: true });
  return copy;
}
