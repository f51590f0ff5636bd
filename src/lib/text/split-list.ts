/** Returns the items of a text that commas separate, without white space around them; empty ones are left out. */
export function splitList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
