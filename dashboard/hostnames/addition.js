// The form that adds a hostname.
import { announce, byId, element, show } from "./dom.js";
import { hostnameOf } from "./words.js";

function label(location) {
  const what = location.distributions.join(", ") || "An empty repository";
  return location.hostnames.length > 0 ? `${what} (${location.hostnames[0]})` : what;
}

export function fillLocations(locations) {
  byId("location").replaceChildren(
    ...locations.map((location) => element("option", { value: location.id }, label(location))),
  );
  byId("location-field").hidden = locations.length < 2;
  byId("add").hidden = locations.length === 0;
  if (locations.length === 0) {
    byId("add-intro").textContent = "There is nothing yet that a hostname could lead to: ask the platform's operator for a repository first.";
  }
}

/** Calls `add` with what was typed; `done` with the hostname that came of it. */
export function additionForm({ add, done }) {
  const name = byId("name");
  const button = byId("add-button");

  function refuse(text) {
    name.setAttribute("aria-invalid", "true");
    show("name-error", text);
    announce(text);
    name.focus();
  }

  byId("add").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    const wanted = hostnameOf(name.value);
    if (!wanted) {
      refuse("Type the hostname first, such as apt.example.com.");
      return;
    }
    button.setAttribute("aria-disabled", "true");
    try {
      const hostname = await add(wanted, byId("location").value, byId("early").checked ? "txt" : "http");
      name.value = "";
      byId("early").checked = false;
      name.removeAttribute("aria-invalid");
      show("name-error", "");
      done(hostname);
    } catch (problem) {
      if (!problem.isEnd) refuse(reason(problem));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

/** The api says of a value what it must be: `must not be a wildcard`. */
function reason(problem) {
  if (!problem.errors?.length) return problem.message;
  return problem.errors.map((error) => `This name ${error.detail}.`).join(" ");
}
