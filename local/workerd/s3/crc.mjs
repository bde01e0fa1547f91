// CRC32, CRC32C and CRC64NVME over streamed bytes, reflected, as S3 names and encodes them (base64,
// big-endian).

function table32(polynomial) {
  const tables = [new Uint32Array(256)];
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1)
      value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[0][byte] = value >>> 0;
  }
  // Four tables: four bytes a step ("slicing by four").
  for (let slice = 1; slice < 4; slice += 1) {
    tables[slice] = tables[slice - 1].map(
      (value) => (tables[0][value & 255] ^ (value >>> 8)) >>> 0,
    );
  }
  return tables;
}

class Crc32 {
  static tables = table32(0xedb88320);
  #value = 0xffffffff;

  update(bytes) {
    const [t0, t1, t2, t3] = this.constructor.tables;
    let value = this.#value;
    let index = 0;
    for (const end = bytes.length - 3; index < end; index += 4) {
      value ^=
        bytes[index] |
        (bytes[index + 1] << 8) |
        (bytes[index + 2] << 16) |
        (bytes[index + 3] << 24);
      value =
        t3[value & 255] ^ t2[(value >>> 8) & 255] ^ t1[(value >>> 16) & 255] ^ t0[value >>> 24];
    }
    for (; index < bytes.length; index += 1)
      value = t0[(value ^ bytes[index]) & 255] ^ (value >>> 8);
    this.#value = value >>> 0;
  }

  digest() {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, (this.#value ^ 0xffffffff) >>> 0);
    return bytes;
  }
}

class Crc32c extends Crc32 {
  static tables = table32(0x82f63b78);
}

// CRC64NVME as two 32-bit halves: BigInt is too slow for megabytes.
const NVME = { high: 0x9a6c9329, low: 0xac4bc9b5 };
const HIGH = new Uint32Array(256);
const LOW = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let [high, low] = [0, byte];
  for (let bit = 0; bit < 8; bit += 1) {
    const odd = low & 1;
    low = (low >>> 1) | ((high & 1) << 31);
    high >>>= 1;
    if (odd) [high, low] = [high ^ NVME.high, low ^ NVME.low];
  }
  [HIGH[byte], LOW[byte]] = [high, low];
}

class Crc64Nvme {
  #high = -1;
  #low = -1;

  update(bytes) {
    let [high, low] = [this.#high, this.#low];
    for (let index = 0; index < bytes.length; index += 1) {
      const entry = (low ^ bytes[index]) & 255;
      low = ((low >>> 8) | (high << 24)) ^ LOW[entry];
      high = (high >>> 8) ^ HIGH[entry];
    }
    [this.#high, this.#low] = [high, low];
  }

  digest() {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return new Uint8Array(view.buffer);
  }
}

export const CRCS = { crc32: Crc32, crc32c: Crc32c, crc64nvme: Crc64Nvme };
