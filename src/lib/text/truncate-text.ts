/** A cluster longer than this (a letter under a heap of combining marks) may be cut. */
const MAX_CLUSTER_CHARS = 64;

let segmenter: Intl.Segmenter | undefined;

/**
 * Returns the text, or its beginning and `…`, at most `maxChars` UTF-16 units in total. It is cut between two characters as a
 * reader sees them (grapheme clusters): an emoji, a flag or a letter with its accents stays whole or is left out.
 */
export function truncateText(text: string, maxChars: number): string {
  return text.length <= maxChars ? text.toWellFormed() : `${sliceStart(text, maxChars - 1)}…`;
}

/** Returns the longest beginning of whole grapheme clusters with at most `maxChars` UTF-16 units. Takes constant time. */
export function sliceStart(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text.toWellFormed();
  let end = Math.max(0, maxChars);
  if (!isPlain(text, end)) {
    const from = Math.max(0, end - 2 * MAX_CLUSTER_CHARS);
    segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
    const around = text.slice(from, end + MAX_CLUSTER_CHARS);
    const start = segmenter.segment(around).containing(end - from)?.index ?? end - from;
    if (from + start < end && end - from - start < MAX_CLUSTER_CHARS) end = from + start;
  }
  return text.slice(0, end).toWellFormed();
}

/** Whether a cut is between two ASCII characters other than a line break, the common case. */
function isPlain(text: string, at: number): boolean {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return before >= 0x20 && before < 0x7f && after >= 0x20 && after < 0x7f;
}
