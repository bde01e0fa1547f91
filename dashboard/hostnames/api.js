// The platform's API, called with the token of the link.

export class Problem extends Error {
  constructor(status, document, retryAfter) {
    super(document.detail || document.title || "Something went wrong.");
    this.status = status;
    this.slug = String(document.type || "").split(":").pop();
    this.errors = document.errors || [];
    this.retryAfter = retryAfter;
  }

  /** Whether the link is of no use any more. */
  get isEnd() {
    return this.status === 401;
  }
}

const PAGES = 100;

export class Api {
  constructor(token) {
    this.token = token;
  }

  async tenant() {
    return this.call("GET", "/v1/tenant");
  }

  async locations() {
    return this.everyPage("/v1/locations", "locations", "after");
  }

  async hostnames() {
    return this.everyPage("/v1/hostnames", "hostnames", "cursor");
  }

  async add(name, location, certificate) {
    const body = { name, location_id: location, certificate };
    return (await this.call("POST", "/v1/hostnames", body)).hostname;
  }

  async check(id) {
    await this.call("POST", `/v1/hostnames/${encodeURIComponent(id)}/check`);
  }

  async remove(id) {
    await this.call("DELETE", `/v1/hostnames/${encodeURIComponent(id)}`);
  }

  async everyPage(path, member, parameter) {
    const found = [];
    let query = "";
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await this.call("GET", path + query);
      found.push(...answer[member]);
      if (!answer.next) break;
      query = `?${parameter}=${encodeURIComponent(answer.next)}`;
    }
    return found;
  }

  /** The answer's JSON. Throws a Problem; one of status 0 where nothing answered. */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    let response;
    try {
      response = await fetch(path, { method, headers, body: JSON.stringify(body), cache: "no-store" });
    } catch {
      throw new Problem(0, { detail: "The platform cannot be reached." });
    }
    const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw new Problem(response.status, answer, Number(response.headers.get("retry-after")) || 0);
  }
}
