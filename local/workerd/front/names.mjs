// Which names are served: those of the zone, and of others what the daemon says, which knows the custom
// hostnames and their statuses.

// As long as a name may go on to be served after it should not.
const REMEMBERED_MILLISECONDS = 250;
const MOST_REMEMBERED = 1000;
const served = new Map();

/** Whether requests for `host` (with or without a port) come to the zone's Workers. */
export async function isServed(env, host) {
  const name = host.replace(/:[0-9]+$/, "").replace(/\.$/, "");
  if (env.ZONE_NAMES === null || env.ZONE_NAMES.includes(name)) return true;
  if ((served.get(name) ?? 0) > Date.now()) return true;
  const url = `http://${env.DAEMON}/_hostnames/serves/${encodeURIComponent(name)}`;
  const answer = await fetch(url, { headers: { "x-stowage-control": env.CONTROL_SECRET } });
  if (!answer.ok) throw new Error(`the daemon answered ${answer.status} about ${name}`);
  const { serves } = await answer.json();
  if (served.size >= MOST_REMEMBERED) served.clear();
  if (serves) served.set(name, Date.now() + REMEMBERED_MILLISECONDS);
  return serves;
}
