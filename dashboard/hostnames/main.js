// The page: what the link opens, the list that keeps itself up to date, and what a person does with it.
import { additionForm, fillLocations } from "./addition.js";
import { Api, Problem } from "./api.js";
import { announce, byId, show } from "./dom.js";
import { card, replaceCard, signature } from "./hostname.js";
import { Polling } from "./polling.js";
import { removalDialog } from "./removal.js";
import { meta, moment, stateOf } from "./words.js";

const ENDS = {
  "link-expired": ["This link has expired", "Links to this page work for a limited time. Ask the platform's operator for a new one."],
  "link-revoked": ["This link was withdrawn", "The platform's operator has withdrawn it. Ask for a new one if you still need it."],
  unauthorized: ["This link does not work", "It is not complete or not right. Open it exactly as you were given it, or ask the platform's operator for a new one."],
};
const ABSENT = ["A link is needed", "Open this page by the link that the platform's operator gave you."];

const SAID_FOR = 12_000;

const token = () => location.hash.slice(1);
const api = new Api(token());
const known = new Map(); // by id: what is shown
const said = new Map(); // by id: what was answered to the person just now
let deeds = 0; // how often the person added or removed something
const polling = new Polling(look);
const askRemoval = removalDialog({ remove: (hostname) => api.remove(hostname.id), done: removed });
additionForm({ add: (...given) => guarded(() => api.add(...given)), done: added });

// Another link in the same tab changes only what follows the #.
addEventListener("hashchange", () => location.reload());
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the part after the # is the token's
  byId("list-heading").focus();
  byId("list-heading").scrollIntoView();
});
setInterval(tick, 10_000);
await begin();

async function begin() {
  if (!token()) {
    end(ABSENT);
    return;
  }
  try {
    const [own, locations] = await Promise.all([api.tenant(), api.locations()]);
    byId("tenant").textContent = own.tenant.name;
    document.title = `Hostnames - ${own.tenant.name}`;
    show("link-end", own.link_expires_at && `This link works until ${moment(own.link_expires_at)}.`);
    fillLocations(locations);
    await look();
  } catch (problem) {
    if (problem.isEnd) end(ENDS[problem.slug] ?? ENDS.unauthorized);
    else if (byId("ended").hidden) {
      byId("loading").textContent = `${problem.message} Trying again …`;
      setTimeout(begin, Math.max(5_000, (problem.retryAfter || 0) * 1000));
    }
    return;
  }
  byId("loading").hidden = true;
  byId("content").hidden = false;
  polling.start();
}

/** Nothing more can be done by this link. */
function end([title, text]) {
  polling.stop();
  byId("removal").close();
  byId("loading").hidden = true;
  byId("content").hidden = true;
  byId("ended").hidden = false;
  byId("ended-heading").textContent = title;
  byId("ended-text").textContent = text;
  document.title = title;
  byId("ended-heading").focus();
}

/** What `work` gives; a link that has ended ends the page. */
async function guarded(work) {
  try {
    return await work();
  } catch (problem) {
    if (problem.isEnd) end(ENDS[problem.slug] ?? ENDS.unauthorized);
    throw problem;
  }
}

/** Asks for the list and shows it; whether anything changed. */
async function look() {
  const begun = deeds;
  try {
    const hostnames = await guarded(() => api.hostnames());
    show("trouble", "");
    // What was asked before the person did something may not know of it.
    return begun === deeds && render(hostnames);
  } catch (problem) {
    if (!(problem instanceof Problem)) reportError(problem); // a mistake of ours
    if (!problem.isEnd) show("trouble", `${problem.message} What you see may be old; trying again …`);
    throw problem;
  }
}

function render(hostnames) {
  const list = byId("list");
  let changed = false;
  for (const [id, shown] of known) {
    if (!hostnames.some((hostname) => hostname.id === id)) {
      shown.card.remove();
      known.delete(id);
      changed = true;
    }
  }
  hostnames
    .toSorted((one, other) => (newness(one) < newness(other) ? 1 : -1))
    .forEach((hostname, index) => {
      changed = put(hostname) || changed;
      const at = known.get(hostname.id).card;
      if (list.children[index] !== at) list.insertBefore(at, list.children[index] ?? null);
    });
  byId("empty").hidden = known.size > 0;
  tick();
  return changed;
}

/** Never the same for two, so that no card is moved, and loses the focus, without need. */
function newness(hostname) {
  return `${hostname.created_at} ${hostname.id}`;
}

/** Shows one hostname as it is now; whether that is anything new. */
function put(hostname) {
  const shown = known.get(hostname.id);
  const now = signature(hostname);
  if (shown?.signature === now) {
    shown.hostname = hostname;
    return false;
  }
  const next = card(hostname, { check, remove: askRemoval });
  if (shown) {
    replaceCard(shown.card, next);
    const [words] = stateOf(hostname);
    if (stateOf(shown.hostname)[0] !== words) announce(`${hostname.unicode_name || hostname.name}: ${words}.`);
  }
  known.set(hostname.id, { hostname, card: next, signature: now });
  return true;
}

function tick() {
  for (const { hostname, card: shown } of known.values()) {
    const line = shown.querySelector(".meta");
    const text = said.get(hostname.id) ?? meta(hostname);
    if (line.textContent !== text) line.textContent = text;
  }
}

async function added(hostname) {
  deeds += 1;
  render([hostname, ...[...known.values()].map((one) => one.hostname).filter((one) => one.id !== hostname.id)]);
  const heading = known.get(hostname.id).card.querySelector("h3");
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "center" });
  announce(`${hostname.unicode_name || hostname.name} is added. Set the DNS records that are shown.`);
  await polling.soon();
}

async function check(hostname) {
  let text = "It is looked at now; this can take a minute.";
  try {
    await guarded(() => api.check(hostname.id));
  } catch (problem) {
    if (problem.isEnd) return;
    text = problem.message;
  }
  say(hostname, text);
  await polling.soon();
}

/** For a while in place of the hostname's last line. */
function say(hostname, text) {
  announce(text);
  said.set(hostname.id, text);
  tick();
  setTimeout(() => {
    if (said.get(hostname.id) === text) said.delete(hostname.id);
    tick();
  }, SAID_FOR);
}

async function removed(hostname) {
  deeds += 1;
  known.get(hostname.id)?.card.remove();
  known.delete(hostname.id);
  byId("empty").hidden = known.size > 0;
  byId("list-heading").focus();
  await polling.soon();
}
