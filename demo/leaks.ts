/** Finds pieces of the members' code in what they sent. */

export const pieceLength = 12;

/**
 * So many distinct pieces of 12 ASCII characters, evenly from all texts, that say something: at least six different
 * characters. Pieces that stand in every HTTP request are no secret and are left out.
 */
export function piecesOf(texts: readonly string[], count: number): ReadonlySet<string> {
  const starts = texts.reduce((sum, { length }) => sum + Math.max(0, length - pieceLength), 0);
  const pieces = new Set<string>();
  // Coprime strides reach other places at each pass, until there are enough.
  for (let pass = 0; pass < 16 && pieces.size < count; pass++) {
    const stride = Math.max(1, Math.floor(starts / count) - pass);
    let next = pass;
    for (const text of texts) {
      for (; next + pieceLength <= text.length && pieces.size < count; next += stride) {
        const piece = text.slice(next, next + pieceLength);
        if (isTelling(piece)) pieces.add(piece);
      }
      next = Math.max(0, next - text.length);
    }
  }
  return pieces;
}

/** Those of the pieces that occur in the bytes. */
export function piecesIn(bytes: Uint8Array, pieces: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const heads = new Set(
    [...pieces].map((piece) => piece.charCodeAt(0) * 65_536 + piece.charCodeAt(1) * 256 + piece.charCodeAt(2)),
  );
  for (let i = 0; i + pieceLength <= bytes.length; i++) {
    const head = (bytes[i] ?? 0) * 65_536 + (bytes[i + 1] ?? 0) * 256 + (bytes[i + 2] ?? 0);
    if (!heads.has(head)) continue;
    const piece = text.slice(i, i + pieceLength);
    if (pieces.has(piece)) found.add(piece);
  }
  return [...found];
}

/** Those of the names that occur in the bytes, whatever their length. */
export function namesIn(bytes: Uint8Array, names: readonly string[]): readonly string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return names.filter((name) => buffer.includes(name));
}

const everyRequest = [
  'GET HEAD POST PUT /v1/f/ /topics/ /entries/ /blobs/ membership rounds round commands uploads survivors releases outcome votes state',
  'HTTP/1.1 host: 127.0.0.1 connection: keep-alive close user-agent: argot accept-encoding: identity',
  'content-type: application/octet-stream content-length: transfer-encoding: chunked argot-signer argot-time argot-signature',
].join('\r\n');

function isTelling(piece: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant.
  const isAscii = /^[\x00-\x7f]*$/.test(piece);
  return isAscii && new Set(piece).size >= 6 && !everyRequest.includes(piece.trim());
}
