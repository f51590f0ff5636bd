/** Formats a number with its noun: `1 error`, `2 errors`. @param plural if it is not the noun with an s */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
