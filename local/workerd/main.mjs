// The workerd host of the embedded local cloud, a child process of the daemon.
//
// Protocol: JSON lines. stdin takes {"id", "method", "params"}; stdout answers {"id", "result"} or
// {"id", "error": {"message"}}. Methods: `apply` (params: HostConfig, see checks.mjs) starts the
// runtime or brings it to a new configuration; `stop` ends the runtime, the process stays.
// Requests are handled one after the other. stderr carries the logs, one line each, a Worker's
// lines with its name in front. The process ends, and workerd with it, when stdin closes or at
// SIGTERM, SIGINT or SIGHUP.
import { createInterface } from "node:readline";
import { Cloud } from "./cloud.mjs";
import { describe } from "./failures.mjs";
import { log } from "./log.mjs";

// How long an orderly end may take. guard.sh ends workerd when this process is gone all the same.
const SHUTDOWN_MILLISECONDS = 5000;

// stdout belongs to the protocol: what Miniflare prints goes to the log.
console.log =
  console.info =
  console.debug =
    (...parts) => log("info", "miniflare", parts.join(" "));
console.warn = console.error = (...parts) => log("warn", "miniflare", parts.join(" "));

const cloud = new Cloud();
const methods = {
  apply: (params) => cloud.apply(params),
  stop: () => cloud.stop(),
};
let work = Promise.resolve();
let ending = false;

function answer(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function handle(line) {
  let request;
  try {
    request = JSON.parse(line);
  } catch {
    answer({
      id: null,
      error: { message: "a line of the protocol is not JSON; send one JSON object a line" },
    });
    return;
  }
  const { id = null, method, params } = request ?? {};
  try {
    if (!Object.hasOwn(methods, method)) {
      throw new Error(
        `unknown method ${JSON.stringify(method)}; known: ${Object.keys(methods).join(", ")}`,
      );
    }
    answer({ id, result: (await methods[method](params)) ?? {} });
  } catch (error) {
    log("error", "host", `${method}: ${error?.stack ?? error}`);
    answer({ id, error: { message: describe(error) } });
  }
}

async function end(code) {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(code), SHUTDOWN_MILLISECONDS).unref();
  await cloud.stop().catch((error) => log("error", "host", `stop: ${error?.stack ?? error}`));
  process.exit(code);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => void end(0));
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => {
    log("error", "host", `${event}: ${error?.stack ?? error}`);
    void end(1);
  });
}
// The daemon may be gone while an answer is on its way; the closing stdin ends the process then.
process.stdout.on("error", () => void end(0));
process.stderr.on("error", () => void end(0));

createInterface({ input: process.stdin, terminal: false })
  .on("line", (line) => {
    if (line.trim()) work = work.then(() => handle(line));
  })
  .on("close", () => void end(0));
