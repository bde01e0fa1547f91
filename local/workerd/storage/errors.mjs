// An error as S3 servers answer it.
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

export function s3Error(status, code, message) {
  const text = message.replace(/[&<>]/g, (char) => ESCAPES[char]);
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  return new Response(body, { status, headers: { "content-type": "application/xml" } });
}
