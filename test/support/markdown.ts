export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The number of its first line of code, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; lines: string[]; line: number } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (open) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open = { language: fence[1] ?? '', lines: [], line: index + 2 };
  }
  return blocks;
}

/** The commands of a shell block, one line each: without comments, and with continued lines joined. */
export function commandsOf(block: CodeBlock): { readonly text: string; readonly line: number }[] {
  const commands: { text: string; line: number }[] = [];
  let begun: { text: string; line: number } | undefined;
  for (const [index, raw] of block.text.split('\n').entries()) {
    const line = begun ? raw : withoutComment(raw.replace(/^\$ /, ''));
    const command: { text: string; line: number } = begun ?? { text: '', line: block.line + index };
    const continued = line.endsWith('\\') || isOpen(command.text + line);
    const joint = isOpen(command.text) ? '\n' : ' ';
    command.text += (command.text === '' ? '' : joint) + line.replace(/\s*\\$/, '').replace(/^\s+/, '');
    begun = continued ? command : undefined;
    if (!continued && command.text !== '') commands.push(command);
  }
  return commands;
}

/** Whether a single quote is open at the end. */
function isOpen(text: string): boolean {
  return text.replace(/"[^"']*"/g, '').split("'").length % 2 === 0;
}

function withoutComment(line: string): string {
  return line.replace(/(^|\s)#(?![^']*'[^']*$).*$/, '').trimEnd();
}

/**
 * Returns the parts of a shown answer that the real one does not have, a sentence each. Shown keys must be there with their
 * values, a shown list's items each match some item, and `…` in a text stands for anything.
 */
export function missingFrom(shown: unknown, real: unknown, path = ''): string[] {
  if (Array.isArray(shown)) {
    if (!Array.isArray(real)) return [`${path || 'the answer'} is ${JSON.stringify(real)}, and a list is shown`];
    return shown.flatMap((item, index) => {
      const tries = real.map((candidate, i) => missingFrom(item, candidate, `${path}[${i}]`));
      if (tries.some((problems) => problems.length === 0)) return [];
      return tries[index] ?? [`${path}[${index}] is missing`];
    });
  }
  if (typeof shown === 'object' && shown !== null) {
    if (typeof real !== 'object' || real === null) {
      return [`${path || 'the answer'} is ${JSON.stringify(real)}, and an object is shown`];
    }
    return Object.entries(shown).flatMap(([key, value]) => {
      const place = path === '' ? key : `${path}.${key}`;
      if (!(key in real)) return [`${place} is missing`];
      return missingFrom(value, (real as { [key: string]: unknown })[key], place);
    });
  }
  if (typeof shown === 'string' && typeof real === 'string' && shown.includes('…')) {
    const pattern = new RegExp(`^${shown.split('…').map(escaped).join('.*')}$`, 's');
    return pattern.test(real) ? [] : [`${path} is ${JSON.stringify(real)}, and ${JSON.stringify(shown)} is shown`];
  }
  return Object.is(shown, real) ? [] : [`${path} is ${JSON.stringify(real)}, and ${JSON.stringify(shown)} is shown`];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
