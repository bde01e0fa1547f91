// What all our Workers share: their modules read from a folder, and flags.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const HERE = path.dirname(fileURLToPath(import.meta.url));
// Dates of late 2026 imply the node: modules, and then Pyodide takes the Worker for Node.js.
export const NOT_NODE = ["no_nodejs_compat", "no_nodejs_compat_v2"];

export function readModule(type, name, file) {
  return { type, path: `/w/${name}`, contents: readFileSync(file, "utf8") };
}

/** The .mjs files of a folder as modules, `main` first (Miniflare starts the first one). */
export function modulesOf(folder, main) {
  const files = readdirSync(path.join(HERE, folder)).filter((name) => name.endsWith(".mjs"));
  return [main, ...files.filter((name) => name !== main).sort()].map((name) =>
    readModule("ESModule", name, path.join(HERE, folder, name)),
  );
}
