/** Characters of GSM 03.38 that take one unit, and those of its extension, which take two. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑܧ¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENDED = new Set('\f^{}\\[~]|€');

/** Units of a message in one part, and of each part of a longer one, which has a header. */
const UNITS = { 'GSM-7': { alone: 160, part: 153 }, 'UCS-2': { alone: 70, part: 67 } } as const;

/** The size of a text as SMS, which is what it costs by. */
export interface SmsSize {
  /** UCS-2 as soon as one character is not in GSM-7. */
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** Parts that are billed, from 1. */
  readonly parts: number;
  /** Septets of GSM-7, or UTF-16 units, in all. */
  readonly units: number;
  /** Units that fit into each part. */
  readonly unitsPerPart: number;
  /** The first character that is not in GSM-7; absent: there is no such character. */
  readonly firstUnicode?: string;
}

let segmenter: Intl.Segmenter | undefined;

/** Returns encoding, units and parts of a text. A character of two units, an emoji or a flag is never split. Linear. */
export function measureSms(text: string): SmsSize {
  let septets = 0;
  for (const character of text) {
    if (BASIC.has(character)) septets += 1;
    else if (EXTENDED.has(character)) septets += 2;
    else return { ...measureUnicode(text), firstUnicode: character.toWellFormed() };
  }
  const { alone, part } = UNITS['GSM-7'];
  const sized = { encoding: 'GSM-7', units: septets } as const;
  if (septets <= alone) return { ...sized, parts: 1, unitsPerPart: alone };
  const widths = function* () {
    for (const character of text) yield BASIC.has(character) ? 1 : 2;
  };
  return { ...sized, parts: countParts(widths(), part), unitsPerPart: part };
}

function measureUnicode(text: string): SmsSize {
  const { alone, part } = UNITS['UCS-2'];
  const sized = { encoding: 'UCS-2', units: text.length } as const;
  if (text.length <= alone) return { ...sized, parts: 1, unitsPerPart: alone };
  return { ...sized, parts: countParts(graphemeWidths(text), part), unitsPerPart: part };
}

/** UTF-16 units that are segmented at once: the segmenter takes quadratic time for a long text. */
const WINDOW_UNITS = 512;

/** Yields the units of each grapheme cluster; carriage return and line feed are two. A longer one than a window is cut. */
function* graphemeWidths(text: string): Generator<number> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (let from = 0; from < text.length; ) {
    const end = Math.min(text.length, from + WINDOW_UNITS);
    const clusters = Array.from(segmenter.segment(text.slice(from, end)), ({ segment }) => segment);
    // The last one may go on after the window.
    if (end < text.length && clusters.length > 1) clusters.pop();
    for (const cluster of clusters) {
      from += cluster.length;
      if (cluster === '\r\n') yield* [1, 1];
      else yield cluster.length;
    }
  }
}

/** Returns into how many parts of so many units the widths go. One that is wider than a part is cut. */
function countParts(widths: Iterable<number>, unitsPerPart: number): number {
  let parts = 1;
  let used = 0;
  for (const width of widths) {
    used += width;
    if (used <= unitsPerPart) continue;
    if (width > unitsPerPart) {
      parts += Math.ceil(used / unitsPerPart) - 1;
      used = used % unitsPerPart || unitsPerPart;
    } else {
      parts += 1;
      used = width;
    }
  }
  return parts;
}
