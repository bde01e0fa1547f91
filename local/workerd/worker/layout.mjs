// The uploaded modules where Cloudflare's runtime puts them (/session/metadata, python_modules as a
// site folder), and the runtime's own small Python package `_cloudflare` beside them.
import allowEntropy from "./allow_entropy.txt";
import handlersSource from "./handlers.txt";
import importPatchManager from "./import_patch_manager.txt";

const ROOT = "/session/metadata";
const RUNTIME = "/session/runtime";

/** Pack: 4 bytes (big-endian) length of the index, the index as JSON [[name, offset, length]], the bytes. */
function* entries(pack) {
  const length = new DataView(pack).getUint32(0);
  const index = JSON.parse(new TextDecoder().decode(new Uint8Array(pack, 4, length)));
  for (const [name, offset, size] of index)
    yield [name, new Uint8Array(pack, 4 + length + offset, size)];
}

function write(pyodide, file, data) {
  pyodide.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
  pyodide.FS.writeFile(file, data);
}

/** Returns the Python module of python/handlers.py. */
export function layOut(pyodide, pack, host) {
  pyodide.FS.mkdirTree(`${ROOT}/python_modules`);
  for (const [name, data] of entries(pack)) write(pyodide, `${ROOT}/${name}`, data);
  const names = new Set(pyodide.FS.readdir(ROOT));
  if (!names.has(host.main_module)) {
    throw new Error(
      `the main module ${host.main_module} is not among the uploaded modules of ${host.worker}`,
    );
  }
  write(pyodide, `${RUNTIME}/_cloudflare/__init__.py`, "");
  write(pyodide, `${RUNTIME}/_cloudflare/allow_entropy.py`, allowEntropy);
  write(pyodide, `${RUNTIME}/_cloudflare/import_patch_manager.py`, importPatchManager);
  write(pyodide, `${RUNTIME}/_stowage_handlers.py`, handlersSource);
  pyodide.runPython(
    `import sys, site; sys.path[:0] = ["${ROOT}", "${RUNTIME}"]; site.addsitedir("${ROOT}/python_modules")`,
  );
  return pyodide.pyimport("_stowage_handlers");
}
