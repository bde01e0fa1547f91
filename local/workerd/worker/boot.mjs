// Starts Pyodide in this isolate, lays out the uploaded modules and imports the main module.
import createPyodideModule from "./pyodide.asm.mjs";
import lock from "./pyodide-lock.txt";
import { loadPyodide } from "./pyodide.mjs";
import { layOut } from "./layout.mjs";
import { entrypointHelper } from "./entrypoint_helper.mjs";

// Pyodide wants URLs; nothing is ever fetched from this one.
const NOWHERE = "https://pyodide.invalid/";

async function read(service, name) {
  const response = await service.fetch(`http://disk/${name}`);
  if (!response.ok)
    throw new Error(`the local cloud cannot read ${name} for this Worker: ${response.status}`);
  return response.arrayBuffer();
}

/** workerd compiles WebAssembly only through its own binding, here made to look like the standard API. */
function allowWebAssembly(unsafe) {
  const Module = WebAssembly.Module;
  const instantiate = WebAssembly.instantiate;
  WebAssembly.Module = new Proxy(Module, {
    construct: (_, [bytes]) => unsafe.newWasmModule(bytes),
  });
  WebAssembly.compile = async (bytes) => unsafe.newWasmModule(bytes);
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof Module) return instantiate(source, imports);
    const module = unsafe.newWasmModule(source);
    return { module, instance: await instantiate(module, imports) };
  };
  return (module) => {
    WebAssembly.instantiateStreaming = async (_, imports) => ({
      module,
      instance: await instantiate(module, imports),
    });
  };
}

/** Runs `start` while Pyodide's loader finds its two files, and no more than that, with fetch. */
async function withFiles(stdlib, start) {
  const { fetch, addEventListener } = globalThis;
  globalThis.addEventListener = () => {};
  globalThis.fetch = async (url) => {
    if (String(url).endsWith("python_stdlib.zip")) return new Response(stdlib);
    if (String(url).endsWith("pyodide.asm.wasm")) return new Response("");
    throw new Error(`Pyodide asked for ${url}, which the local cloud does not give`);
  };
  try {
    return await start();
  } finally {
    globalThis.fetch = fetch;
    globalThis.addEventListener = addEventListener;
  }
}

let allowed;

async function interpreter(env) {
  globalThis.location ??= new URL(NOWHERE);
  const [wasm, stdlib] = await Promise.all([
    read(env.__RUNTIME, "pyodide.asm.wasm"),
    read(env.__RUNTIME, "python_stdlib.zip"),
  ]);
  allowed ??= allowWebAssembly(env.__EVAL);
  allowed(env.__EVAL.newWasmModule(wasm));
  return withFiles(stdlib, () =>
    loadPyodide({
      indexURL: NOWHERE,
      packageBaseUrl: NOWHERE,
      stdLibURL: `${NOWHERE}python_stdlib.zip`,
      lockFileContents: lock,
      createPyodideModule,
      env: { HOME: "/session", PYTHONDONTWRITEBYTECODE: "1" },
      stdout: (line) => console.log(line),
      stderr: (line) => console.error(line),
    }),
  );
}

export async function boot(env, host, environment) {
  const pack = read(env.__PACK, host.pack);
  const pyodide = await interpreter(env);
  pyodide.registerJsModule("_pyodide_entrypoint_helper", entrypointHelper(environment));
  pyodide.registerJsModule("_cloudflare_compat_flags", {
    python_workflows_implicit_dependencies: true,
    python_request_headers_preserve_commas: true,
  });
  const handlers = layOut(pyodide, await pack, host);
  const module = await handlers.import_main.callWithOptions(
    { promising: true },
    host.main_module.slice(0, -3),
  );
  return { module, handlers };
}
