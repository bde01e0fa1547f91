// Faults for tests: each call of a wrapped binding asks the daemon what shall happen to it.
//
//   none        the call happens
//   fail        it throws and nothing happened
//   fail_after  it happens, and throws: the answer was lost
//   drop        it does not happen, and looks as if it had (undefined)
//   repeat      it happens twice; the second answer counts
//   hold        ask again with {held: true} until the answer is another action
//
// Wrapped: R2 objects' calls, D1 statements' run/all/first/raw and the database's batch/exec (of its
// sessions, too), Queue send/sendBatch, Images' info and a transformation's output, each batch of data
// points as writeDataPoint, and under the name `caches` the Cache API's match/put/delete. Proxies keep the native class names, by which the
// SDK converts values.
const METHODS = {
  r2_bucket: [
    "get",
    "head",
    "put",
    "delete",
    "list",
    "createMultipartUpload",
    "resumeMultipartUpload",
  ],
  d1: ["batch", "exec"],
  queue: ["send", "sendBatch"],
  images: ["info"],
};
const STATEMENT = ["run", "all", "first", "raw"];
const HOLD_MILLISECONDS = 50;

// A Proxy hides the native object that other native calls need (a statement given to batch).
const natives = new WeakMap();
const native = (value) => natives.get(value) ?? value;

async function nextAction(asking, method) {
  let held = false;
  for (;;) {
    const { worker, binding, daemon, host } = asking;
    const response = await daemon.fetch(`http://${host.daemon}/_faults/next`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-stowage-control": host.control_secret },
      body: JSON.stringify({ worker, binding, method, ...(held ? { held } : {}) }),
    });
    if (!response.ok)
      throw new Error(`the fault face answered ${response.status}: ${await response.text()}`);
    const { action = "none" } = await response.json();
    if (action !== "hold") return action;
    held = true;
    await new Promise((resolve) => setTimeout(resolve, HOLD_MILLISECONDS));
  }
}

async function withFault(asking, method, run) {
  const failure = () => new Error(`injected fault: ${asking.binding}.${method}`);
  switch (await nextAction(asking, method)) {
    case "fail":
      throw failure();
    case "fail_after":
      await run();
      throw failure();
    case "drop":
      return undefined;
    case "repeat":
      await run();
      return run();
    default:
      return run();
  }
}

function wrapped(target, methods, asking, others = {}) {
  const proxy = new Proxy(target, {
    get(object, property) {
      const value = Reflect.get(object, property, object);
      if (typeof value !== "function" || property === "constructor") return value;
      if (others[property]) return (...args) => others[property](...args);
      const call = (args) => value.apply(object, args);
      if (!methods.includes(property)) return (...args) => call(args);
      return (...args) => withFault(asking, property, () => call(args.map(nativeArgument)));
    },
  });
  natives.set(proxy, target);
  return proxy;
}

function nativeArgument(value) {
  return Array.isArray(value) ? value.map(native) : native(value);
}

function statement(target, asking) {
  return wrapped(target, STATEMENT, asking, {
    bind: (...values) => statement(target.bind(...values), asking),
  });
}

function transformation(target, asking) {
  return wrapped(target, ["output"], asking, {
    transform: (options) => transformation(target.transform(options), asking),
  });
}

function database(target, asking) {
  return wrapped(target, METHODS.d1, asking, {
    prepare: (sql) => statement(target.prepare(sql), asking),
    withSession: (...options) => database(target.withSession(...options), asking),
  });
}

export function faultyCache(cache, daemon, host) {
  const asking = { worker: host.worker, binding: "caches", daemon, host };
  return wrapped(cache, ["match", "put", "delete"], asking);
}

/** What a dataset of Analytics Engine sends behind an answer; the call itself gives nothing to wait for. */
export function faultyPost(binding, daemon, host) {
  const asking = { worker: host.worker, binding: binding.name, daemon, host };
  return (post) => withFault(asking, "writeDataPoint", post);
}

export function faulty(value, binding, daemon, host) {
  const methods = METHODS[binding.type];
  if (methods === undefined) return value;
  const asking = { worker: host.worker, binding: binding.name, daemon, host };
  if (binding.type === "images") {
    return wrapped(value, methods, asking, {
      input: (...given) => transformation(value.input(...given), asking),
    });
  }
  return binding.type === "d1" ? database(value, asking) : wrapped(value, methods, asking);
}
