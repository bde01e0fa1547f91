// What states are called, and how far a hostname has come.

const STATES = {
  requested: ["Set the DNS records", "warn"],
  awaiting_dns: ["Waiting for DNS", "warn"],
  validating: ["Getting the certificate", "info"],
  active: ["Active", "good"],
  moved: ["Points elsewhere", "bad"],
  blocked: ["Blocked", "bad"],
  removed: ["Removed", "info"],
};

export const RECORD_STATES = {
  missing: ["Not found yet", "warn"],
  wrong: ["Different value found", "bad"],
  ok: ["Found", "good"],
  unknown: ["Not checked yet", "info"],
};

export const PURPOSES = {
  ownership: "Shows that the name is yours",
  routing: "Leads visitors here",
  certificate: "Validates the certificate",
  pre_validation: "Validates the name before it is switched over",
  delegated_certificate: "Lets certificates be renewed by themselves",
};

export const isWorking = (hostname) => ["requested", "awaiting_dns", "validating"].includes(hostname.state);

/** Words and tone. While its records are not right, no certificate is under way. */
export function stateOf(hostname) {
  const state = hostname.state === "validating" && !isFound(hostname, "routing") ? "awaiting_dns" : hostname.state;
  return STATES[state] ?? [state, "info"];
}

/** Of a hostname on its way, what was not looked for yet is wanted too. */
export const isWanted = (record) => record.required && record.state !== "ok";

export const isBroken = (record) => record.required && ["missing", "wrong"].includes(record.state);

function isFound(hostname, purpose) {
  const records = hostname.records.filter((record) => record.purpose === purpose);
  return records.length > 0 && records.every((record) => record.state === "ok");
}

/** The way to an active hostname: each step's words, and whether it is done. */
export function steps(hostname) {
  const isActive = hostname.state === "active";
  return [
    ["The name is yours", isActive || Boolean(hostname.proven_at) || isFound(hostname, "ownership")],
    ["It leads here", isActive || isFound(hostname, "routing")],
    ["Certificate", isActive || hostname.certificate_status === "active"],
    ["Active", isActive],
  ];
}

const CLOCK = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]];

export const moment = (time) => CLOCK.format(new Date(time));

/** `5 minutes ago`, `in 2 hours`. */
export function relative(time, now = Date.now()) {
  const distance = new Date(time).getTime() - now;
  if (Math.abs(distance) < 10_000) return "just now";
  const [unit, length] = UNITS.find(([, size]) => Math.abs(distance) >= size);
  return AGO.format(Math.round(distance / length), unit);
}

/** The line at the foot of a hostname, which changes as time goes by. */
export function meta(hostname) {
  const parts = [];
  if (hostname.checked_at) parts.push(`Last looked at ${relative(hostname.checked_at)}.`);
  if (hostname.state === "moved" && hostname.deadline_at) {
    parts.push(`It is removed ${relative(hostname.deadline_at)} unless it points here again.`);
  } else if (hostname.state === "active" && hostname.active_at) {
    parts.push(`Active since ${moment(hostname.active_at)}.`);
  }
  return parts.join(" ") || `Added ${relative(hostname.created_at)}.`;
}

/** What a person typed or pasted, as a hostname: without scheme, path, port and final dot. */
export const hostnameOf = (text) =>
  text.trim().replace(/^[a-z]+:[/][/]/i, "").replace(/[/?#:].*$/s, "").replace(/[.]$/, "").toLowerCase();
