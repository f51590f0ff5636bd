/**
 * Returns a hash of a text, 32 bits, evenly distributed: FNV-1a over UTF-16 units. The same in every process and version,
 * because processes agree by it on locks.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
