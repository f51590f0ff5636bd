import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colors a text for standard output: only on a terminal, and not if NO_COLOR is set. The text must be escaped already. */
export function color(style: Style, text: string): string {
  if (!process.stdout.isTTY || process.env.NO_COLOR || process.env.TERM === 'dumb') return text;
  return styleText(style, text, { validateStream: false });
}
