// Elements from data. Text only ever becomes text: nothing here parses markup.

/** An element with attributes (false and null: left out) and children, which are elements or texts. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

let clearing;

/** Has a screen reader say it, also where it said the same just before. */
export function announce(text) {
  const region = byId("announcements");
  region.textContent = "";
  clearTimeout(clearing);
  setTimeout(() => (region.textContent = text), 50);
  clearing = setTimeout(() => (region.textContent = ""), 10_000);
}

/** Shows a text, or hides its element where there is none. */
export function show(id, text) {
  const shown = byId(id);
  shown.textContent = text ?? "";
  shown.hidden = !text;
}
