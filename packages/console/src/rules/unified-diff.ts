/* Differences of texts by lines, as `git apply` and `patch` read them. */

/** Lines around a change. */
const CONTEXT = 3;
/** Comparisons up to which the least difference is looked for; beyond, all lines between the first and last difference are replaced. */
const MAX_CELLS = 4_000_000;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Returns the patch of one file; empty without a difference. */
export function formatPatch(path: string, before: string | undefined, after: string): string {
  const lines = diffLines(toLines(before ?? ''), toLines(after));
  const hunks = toHunks(lines);
  if (hunks.length === 0) return '';
  const head = before === undefined ? `--- /dev/null\n+++ b/${path}\n` : `--- a/${path}\n+++ b/${path}\n`;
  return head + hunks.join('');
}

/** Lines with their ends: the last one may lack it. */
function toLines(text: string): string[] {
  return text.split(/(?<=\n)/).filter((line) => line !== '');
}

/** Returns the lines of both texts with what became of each. */
export function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (text: string): Line => ({ sign: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function diffMiddle(before: readonly string[], after: readonly string[]): Line[] {
  const all = (sign: '-' | '+', lines: readonly string[]) => lines.map((text): Line => ({ sign, text }));
  const width = after.length + 1;
  if (before.length * after.length > MAX_CELLS) return [...all('-', before), ...all('+', after)];
  // Lengths of the longest common subsequences of what follows.
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ sign: ' ', text: before[i++] as string });
      j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push({ sign: '-', text: before[i++] as string });
    else lines.push({ sign: '+', text: after[j++] as string });
  }
  return [...lines, ...all('-', before.slice(i)), ...all('+', after.slice(j))];
}

function toHunks(lines: readonly Line[]): string[] {
  const hunks: string[] = [];
  const isNear = (place: number) =>
    lines.slice(Math.max(0, place - CONTEXT), place + CONTEXT + 1).some(({ sign }) => sign !== ' ');
  let [old, now] = [1, 1];
  for (let place = 0; place < lines.length; ) {
    const hunk: Line[] = [];
    const begin = [old, now] as const;
    for (; place < lines.length && isNear(place); place++) {
      const line = lines[place] as Line;
      hunk.push(line);
      if (line.sign !== '+') old++;
      if (line.sign !== '-') now++;
    }
    if (hunk.length > 0) hunks.push(formatHunk(hunk, begin));
    else {
      place++;
      old++;
      now++;
    }
  }
  return hunks;
}

function formatHunk(hunk: readonly Line[], [old, now]: readonly [number, number]): string {
  const count = (other: '-' | '+') => hunk.filter(({ sign }) => sign !== other).length;
  const range = (begin: number, length: number) => `${length === 0 ? begin - 1 : begin},${length}`;
  const body = hunk.map(
    ({ sign, text }) => sign + (text.endsWith('\n') ? text : text.replace(/$/, '\n\\ No newline at end of file\n')),
  );
  return `@@ -${range(old, count('+'))} +${range(now, count('-'))} @@\n${body.join('')}`;
}
