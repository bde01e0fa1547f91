// The DNS records of a hostname: what to set, what was found, buttons that copy.
import { announce, element } from "./dom.js";
import { PURPOSES, RECORD_STATES } from "./words.js";

const COPIED_FOR = 2_000;

export function badge([words, tone], isWorking = false) {
  return element("span", { class: `badge ${tone}${isWorking ? " working" : ""}` }, words);
}

/** A value in a box, with a button that copies it. `key` names the button across renderings. */
export function copyable(label, text, key) {
  const code = element("code", { translate: "no" }, text);
  const button = element(
    "button",
    { type: "button", class: "copy", "data-key": key, "aria-label": `Copy ${label.toLowerCase()}: ${text}`, onclick: () => copy(button, code, label, text) },
    "Copy",
  );
  return element("div", { class: "value" }, element("dt", {}, label), element("dd", {}, code, button));
}

async function copy(button, code, label, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(code);
    announce(`${label} is selected. Copy it with the keyboard.`);
    return;
  }
  button.textContent = "Copied";
  button.classList.add("copied");
  announce(`${label} copied.`);
  setTimeout(() => {
    button.textContent = "Copy";
    button.classList.remove("copied");
  }, COPIED_FOR);
}

export function recordItem(record, index) {
  const key = `${record.type} ${record.name} ${index}`;
  return element(
    "li",
    { class: "record", "data-state": record.state },
    element(
      "div",
      { class: "record-head" },
      element("span", { class: "record-type" }, record.type),
      element("h4", {}, PURPOSES[record.purpose] ?? record.purpose),
      record.required ? null : element("span", { class: "quiet" }, "optional"),
      badge(RECORD_STATES[record.state] ?? [record.state, "info"]),
    ),
    record.help ? element("p", { class: "record-help" }, record.help) : null,
    element("dl", { class: "values" }, copyable("Name", record.name, `name ${key}`), copyable("Value", record.value, `value ${key}`)),
    record.state === "wrong" ? comparison(record) : null,
  );
}

function comparison(record) {
  const found = record.found.length > 0 ? record.found : ["nothing that can be read"];
  return element(
    "div",
    { class: "compare" },
    element("p", {}, found.length > 1 ? "The DNS answers with these instead of the value above:" : "The DNS answers with this instead of the value above:"),
    found.map((text) => element("code", { translate: "no" }, text)),
  );
}

/** A file to serve under the name while it is still elsewhere. */
export function tokenItem(token, index) {
  return element(
    "li",
    { class: "record" },
    element("div", { class: "record-head" }, element("span", { class: "record-type" }, "HTTP"), element("h4", {}, PURPOSES[token.purpose] ?? token.purpose)),
    element("dl", { class: "values" }, copyable("Address", token.url, `url ${index}`), copyable("Content", token.body, `body ${index}`)),
  );
}
