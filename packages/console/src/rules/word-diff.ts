/* Differences of texts by words. */
import { diffLines } from './unified-diff.ts';

/** A run of words that both texts have, or only one of them. */
export interface Run {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Returns both texts as runs: words and the white space between them are compared. */
export function diffWords(before: string, after: string): readonly Run[] {
  return join(diffLines(toWords(before), toWords(after)));
}

/** A line of both texts, or of one of them; a line that was changed is a run of words. */
export interface LineRun {
  /** `~`: both lines are in `runs`. */
  readonly sign: ' ' | '-' | '+' | '~';
  readonly runs: readonly Run[];
}

/** Lines that stand between two changes before they are left out. */
const CONTEXT = 3;

/**
 * Returns the lines around each change, with the words that differ. Null: lines were left out.
 * Without a difference, nothing.
 */
export function diffText(before: string, after: string): readonly (LineRun | null)[] {
  const lines: LineRun[] = [];
  const all = diffLines(before.split('\n'), after.split('\n'));
  for (let at = 0; at < all.length; ) {
    const take = (sign: ' ' | '-' | '+') => {
      const from = at;
      while (all[at]?.sign === sign) at++;
      return all.slice(from, at).map(({ text }) => text);
    };
    for (const text of take(' ')) lines.push({ sign: ' ', runs: [{ sign: ' ', text }] });
    const [removed, added] = [take('-'), take('+')];
    if (removed.length > 0 && removed.length === added.length) {
      for (const [index, text] of removed.entries()) {
        lines.push({ sign: '~', runs: diffWords(text, added[index] as string) });
      }
      continue;
    }
    for (const text of removed) lines.push({ sign: '-', runs: [{ sign: '-', text }] });
    for (const text of added) lines.push({ sign: '+', runs: [{ sign: '+', text }] });
  }
  return leaveOut(lines);
}

function leaveOut(lines: readonly LineRun[]): readonly (LineRun | null)[] {
  const near = new Set<number>();
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue;
    for (let at = index - CONTEXT; at <= index + CONTEXT; at++) near.add(at);
  }
  const shown: (LineRun | null)[] = [];
  for (const [index, line] of lines.entries()) {
    if (near.has(index)) shown.push(line);
    else if (shown.at(-1) !== null && near.size > 0) shown.push(null);
  }
  return shown;
}

function toWords(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

function join(words: readonly Run[]): Run[] {
  const runs: { sign: Run['sign']; text: string }[] = [];
  for (const { sign, text } of words) {
    const last = runs.at(-1);
    if (last?.sign === sign) last.text += text;
    else runs.push({ sign, text });
  }
  return runs;
}
