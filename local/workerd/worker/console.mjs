// Marks what a Worker writes with its name: workerd's log of several Workers is one stream.
// The host process turns the mark into the line's head (log.mjs).
export function markConsole(worker) {
  for (const level of ["debug", "info", "log", "warn", "error"]) {
    const write = console[level].bind(console);
    console[level] = (...parts) => write(`\u0001${worker}\u0001`, ...parts);
  }
}
