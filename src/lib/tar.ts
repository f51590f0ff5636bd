/** Bytes of a block: headers and contents fill whole blocks. */
const BLOCK = 512;

/**
 * Returns a file of a tar archive (POSIX ustar): its header, its content, and zeros up to the next block.
 * @param name ASCII, up to 100 characters
 */
export function toTarEntry(name: string, content: Buffer, modifiedAt: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'latin1');
  header.write('0000600\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${toOctal(content.length, 11)}\0`, 124, 'latin1');
  header.write(`${toOctal(Math.floor(modifiedAt / 1000), 11)}\0`, 136, 'latin1');
  // The sum counts its own field as spaces.
  header.write('        ', 148, 'latin1');
  header.write('0', 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${toOctal(sum, 6)}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** The end of every archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

function toOctal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
