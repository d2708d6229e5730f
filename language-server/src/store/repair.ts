/** CRC-32 as in zlib, bit-reversed: what one byte adds to the sum. */
const polynomial = 0xedb88320;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ polynomial : sum >>> 1;
  return sum;
});
/** The table's entries differ in their highest byte, so that a step can be undone. */
const entryByHighByte = Uint8Array.from({ length: 256 });
for (const [byte, sum] of table.entries()) entryByHighByte[sum >>> 24] = byte;

/**
 * The one byte of `bytes` whose change explains that their CRC-32 is off by `difference` (computed XOR stored), in
 * O(length). CRC is linear: a wrong byte x (as XOR) at k bytes from the end puts the sum off by k steps, with zeros, of
 * table[x]. Undoing those steps one by one leads to table[x]. Undefined where no single byte explains it.
 */
export function repairByte(bytes: Buffer, difference: number): { offset: number; value: number } | undefined {
  let sum = difference;
  for (let offset = bytes.length - 1; offset >= 0; offset--) {
    const wrong = entryByHighByte[sum >>> 24] ?? 0;
    const entry = table[wrong] ?? 0;
    if (wrong !== 0 && entry === sum) return { offset, value: (bytes[offset] ?? 0) ^ wrong };
    sum = (((sum ^ entry) << 8) | wrong) >>> 0;
  }
  return undefined;
}
