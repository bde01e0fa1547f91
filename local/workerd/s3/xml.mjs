// The little XML that S3 speaks: writing nested elements, and reading a DeleteObjects body.
import { S3Error } from "./errors.mjs";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

export function escapeXml(text) {
  return String(text)
    .replace(/[&<>"]/g, (char) => ESCAPES[char])
    .replace(/[\u0000-\u001f\u007f]/g, (char) => `&#x${char.charCodeAt(0).toString(16)};`);
}

/** A value is text, a list of [name, value] pairs, or undefined (left out). */
function inner(value) {
  return Array.isArray(value) ? value.map(element).join("") : escapeXml(value);
}

function element([name, value]) {
  return value === undefined ? "" : `<${name}>${inner(value)}</${name}>`;
}

export function xmlDocument(root, value, { namespace = NAMESPACE } = {}) {
  const attribute = namespace ? ` xmlns="${namespace}"` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner(value)}</${root}>`;
}

export function xmlResponse(root, value) {
  return new Response(xmlDocument(root, value), { headers: { "content-type": "application/xml" } });
}

function unescapeXml(text) {
  return text.replace(
    /&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(\w+));/g,
    (whole, hexadecimal, decimal, name) => {
      if (name) return ENTITIES[name] ?? whole;
      return String.fromCodePoint(hexadecimal ? Number.parseInt(hexadecimal, 16) : Number(decimal));
    },
  );
}

const malformedXml = () =>
  new S3Error(
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema.",
  );

/** [{partNumber, etag}] of a CompleteMultipartUpload body, in ascending order. */
export function parseComplete(text) {
  const malformed = malformedXml();
  if (!/<CompleteMultipartUpload[\s>]/.test(text)) throw malformed;
  const parts = [...text.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, inner]) => {
    const number = /<PartNumber>\s*(\d{1,5})\s*<\/PartNumber>/.exec(inner);
    const etag = /<ETag>([\s\S]*?)<\/ETag>/.exec(inner);
    if (!number || !etag) throw malformed;
    return {
      partNumber: Number(number[1]),
      etag: unescapeXml(etag[1]).trim().replace(/^"|"$/g, ""),
    };
  });
  if (parts.length === 0) throw malformed;
  if (parts.some(({ partNumber }, index) => index > 0 && partNumber <= parts[index - 1].partNumber))
    throw new S3Error(
      400,
      "InvalidPartOrder",
      "The list of parts was not in ascending order. Parts must be ordered by part number.",
    );
  return parts;
}

/** {keys, quiet} of a DeleteObjects body. */
export function parseDelete(text) {
  const malformed = malformedXml();
  if (!/<Delete[\s>]/.test(text) || !/<\/Delete>\s*$/.test(text)) throw malformed;
  const objects = [...text.matchAll(/<Object>([\s\S]*?)<\/Object>/g)];
  const keys = objects.map(([, inner]) => {
    const key = /<Key>([\s\S]*?)<\/Key>/.exec(inner);
    if (!key) throw malformed;
    return unescapeXml(key[1]);
  });
  if (keys.length < 1 || keys.length > 1000) throw malformed;
  return { keys, quiet: /<Quiet>\s*true\s*<\/Quiet>/i.test(text) };
}
