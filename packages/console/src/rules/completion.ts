/* Names of the catalog that an author may mean. */
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import type { Catalog } from '@tidings/client/types';
import type { Files } from '../api/drafts.ts';

export interface Names {
  readonly events: readonly string[];
  readonly types: readonly string[];
  /** Properties of events, and traits of users, as conditions name them. */
  readonly fields: readonly string[];
}

/** Returns the names of the active catalog, and the traits of the draft. */
export function listNames(catalog: Catalog | undefined, files: Files): Names {
  const properties = (catalog?.events ?? []).flatMap(({ properties: schema }) => {
    const own = schema?.properties;
    return typeof own === 'object' && own !== null ? Object.keys(own).map((name) => `event.${name}`) : [];
  });
  const traits = listTraits(files['events.yaml'] ?? '').flatMap((name) => [`traits.${name}`, `user.${name}`]);
  return {
    events: (catalog?.events ?? []).map(({ name }) => name),
    types: (catalog?.notifications ?? []).map(({ name }) => name),
    fields: [...new Set([...properties, ...traits])],
  };
}

/** Returns the keys below `traits:` of events.yaml. */
function listTraits(text: string): string[] {
  const block = /^traits:[ \t]*\n((?:[ \t]+.*\n|[ \t]*\n|#.*\n)*)/m.exec(`${text}\n`)?.[1] ?? '';
  return [...block.matchAll(/^ {2}([\w.-]+):/gm)].map(([, name = '']) => name);
}

const KEYS = [
  ...['on', 'when', 'after', 'count', 'unless', 'key', 'delay', 'at', 'if_past', 'if_missing', 'recheck'],
  ...['cancel_on', 'again', 'debounce', 'throttle', 'digest', 'every', 'for', 'zone', 'expires'],
  ...['limit', 'group', 'notify', 'channels', 'variables', 'data', 'choose', 'split', 'do'],
];

/** Returns what completes a word: keys of a rule at the begin of a line, and names elsewhere. */
export function toSource(names: Names): CompletionSource {
  const options = (labels: readonly string[], type: string): Completion[] => labels.map((label) => ({ label, type }));
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w.@-]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const line = context.state.doc.lineAt(word.from);
    const before = line.text.slice(0, word.from - line.from);
    const isKey = /^\s*(?:- )?$/.test(before);
    const isEvent = /\b(?:on|event|unless|cancel_on|after):\s*(?:[[{].*)?$/.test(before);
    return {
      from: word.from,
      options: isKey
        ? options(KEYS, 'keyword')
        : [
            ...options(names.events, 'class').map((one) => ({ ...one, boost: isEvent ? 2 : 0 })),
            ...options(names.types, 'constant'),
            ...options(names.fields, 'property'),
          ],
      validFor: /^[\w.@-]*$/,
    };
  };
}
