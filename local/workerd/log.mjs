// Log lines on stderr: `TIME LEVEL [SOURCE] text`, every line of a longer text with the same head.
//
// Workers mark their own lines (worker/host.mjs): workerd's structured log does not say which
// Worker wrote a line.
const MARK = /^\u0001([^\u0001]+)\u0001 ?/;

export function log(level, source, text, at = Date.now()) {
  const head = `${new Date(at).toISOString()} ${level.toUpperCase()} [${source}]`;
  const lines = String(text).replace(/\n+$/, "").split("\n");
  process.stderr.write(lines.map((line) => `${head} ${line}\n`).join(""));
}

export function logStructured({ timestamp, level, message }) {
  const marked = MARK.exec(message);
  if (marked) log(level, marked[1], message.slice(marked[0].length), timestamp);
  else log(level, "workerd", message, timestamp);
}
