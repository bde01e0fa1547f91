// One hostname as a card. It is made anew when what it shows has changed; focus and what was unfolded stay.
import { element } from "./dom.js";
import { badge, recordItem, tokenItem } from "./records.js";
import { isBroken, isWanted, isWorking, meta, stateOf, steps } from "./words.js";

/** What a card shows, as text: all but the times of looks, which its last line has. */
export function signature(hostname) {
  return JSON.stringify({ ...hostname, checked_at: null, next_check_at: isLookedAt(hostname), revision: null });
}

export function card(hostname, actions) {
  const shown = hostname.unicode_name || hostname.name;
  const heading = element("h3", { tabindex: "-1", "data-key": "heading" }, shown);
  return element(
    "article",
    { class: "panel hostname", "data-id": hostname.id, "data-state": hostname.state, "aria-label": shown },
    element(
      "div",
      { class: "hostname-head" },
      heading,
      badge(stateOf(hostname), isWorking(hostname)),
      shown === hostname.name ? null : element("span", { class: "ascii" }, hostname.name),
    ),
    element("p", { class: "explanation" }, hostname.explanation),
    notices(hostname),
    hostname.state === "active" || hostname.state === "blocked" ? null : progress(hostname),
    records(hostname),
    tokens(hostname),
    foot(hostname, actions),
  );
}

/** Puts `next` in the place of `old`, with its focus and what was unfolded in it. */
export function replaceCard(old, next) {
  for (const opened of old.querySelectorAll("details[data-key]")) {
    const same = next.querySelector(`details[data-key="${opened.dataset.key}"]`);
    if (same) same.open = opened.open;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(next);
  if (!focused) return;
  const key = focused.closest("[data-key]")?.dataset.key;
  const same = [...next.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  (focused.matches("summary") ? same?.querySelector("summary") : same ?? next.querySelector("h3"))?.focus();
}

function notices(hostname) {
  const lines = [
    ...hostname.errors.map((text) => element("p", { class: "notice bad" }, text)),
    ...hostname.warnings.map((text) => element("p", { class: "notice warn" }, text)),
  ];
  return lines.length > 0 ? element("div", { class: "notices" }, lines) : null;
}

function progress(hostname) {
  const all = steps(hostname);
  const current = all.findIndex(([, done]) => !done);
  return element(
    "ol",
    { class: "steps" },
    all.map(([words, done], index) =>
      element(
        "li",
        { class: `step${done ? " done" : index === current ? " current" : ""}`, "aria-current": !done && index === current ? "step" : null },
        element("span", { class: "tick", "aria-hidden": "true" }),
        words,
        element("span", { class: "unseen" }, done ? " (done)" : " (not yet)"),
      ),
    ),
  );
}

function records(hostname) {
  const isSettled = hostname.state === "active";
  const wanting = hostname.records.filter(isSettled ? isBroken : isWanted);
  // On the way, what is found already stays beside what is not; a settled hostname shows what to mend.
  const first = isSettled || wanting.length === 0 ? wanting : hostname.records.filter((record) => record.required);
  const others = hostname.records.filter((record) => !first.includes(record));
  return element("div", {}, [
    first.length > 0 ? element("p", { class: "records-head" }, isSettled ? "Mend these DNS records:" : "Set these DNS records where you manage your domain:") : null,
    first.length > 0 ? element("ul", { class: "records" }, first.map(recordItem)) : null,
    others.length > 0 ? folded("records", first.length > 0 ? "More DNS records" : "DNS records", others.map(recordItem)) : null,
  ]);
}

function tokens(hostname) {
  if (hostname.state === "active" || !hostname.http_tokens.length) return null;
  return folded("tokens", "Or serve a file where the name leads now", hostname.http_tokens.map(tokenItem));
}

function folded(key, title, items) {
  return element("details", { class: "more", "data-key": key }, element("summary", {}, title), element("ul", { class: "records-more" }, items));
}

/** Not so where an operator vouched for it. */
const isLookedAt = (hostname) => hostname.next_check_at !== null;

function foot(hostname, { check, remove }) {
  const name = hostname.unicode_name || hostname.name;
  return element(
    "div",
    { class: "foot" },
    element("p", { class: "meta" }, meta(hostname)),
    isLookedAt(hostname)
      ? element("button", { type: "button", "data-key": "check", "aria-label": `Check ${name} now`, onclick: () => check(hostname) }, "Check now")
      : null,
    element("button", { type: "button", class: "danger", "data-key": "remove", "aria-label": `Remove ${name}`, onclick: () => remove(hostname) }, "Remove"),
  );
}
