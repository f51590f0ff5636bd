/** Formats a number with its noun: `1 error`, `12,345 errors`. @param plural if it is not the noun with an s */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
}
