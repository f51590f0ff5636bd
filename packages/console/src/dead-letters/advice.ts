export type AdvicePage = 'accounts' | 'sending' | 'routes' | 'suppressions' | 'queue' | 'templates' | 'webhooks';

/** Pages on which what is advised is done, by the sentence of the API. */
export const ADVICE_PAGES: Readonly<Record<string, AdvicePage>> = {
  'Do not retry: the owner wants no messages. Only the owner can take that back (by SMS with START); then lift the suppression.':
    'suppressions',
  'Ask the user for another address: this one failed too often. Lift the suppression if you know that it works again.':
    'suppressions',
  'Correct the template or the data of the message, then retry. Unchanged, it would be rejected again.': 'templates',
  'Correct the template or the data of the message, then retry. Unchanged, it would fail again.': 'templates',
  'Correct the account, check it with `tidings providers check`, then retry.': 'accounts',
  'Set the account SID and the token, or the API key, again with `tidings accounts update`, check it with `tidings providers check`, then retry.':
    'accounts',
  'Set the key (.p8), key id and team id of the same team again with `tidings accounts update`, check it with `tidings providers check`, then retry.':
    'accounts',
  'Save the account again under its name, then retry: by another account the message may arrive twice.': 'accounts',
  'Ask the provider for a higher limit, or send slower (`--per-second` of the retry).': 'sending',
  'Clean the list of addresses, then `tidings sending resume`, then retry.': 'sending',
  'Look at the route (`tidings routes`): give it an account that the tenant has, or save the account that it names (`tidings accounts create`); then retry.':
    'routes',
  'The message was no longer of use when its turn came. Look at `tidings queue` and at the circuits; give the type a longer `expires_after` if it is too short.':
    'queue',
  'No endpoint takes this type of notification. Create one with `tidings webhooks create`, then retry.': 'webhooks',
  'Look at the endpoint: `tidings webhooks attempts` shows what it answered. Send the messages once more with `tidings webhooks replay` when it works again.':
    'webhooks',
  'If the endpoint is to have its messages after all, enable it with `tidings webhooks enable`, and send them with `tidings webhooks replay`.':
    'webhooks',
};

export interface Advice {
  readonly text: string;
  /** Whether all of it is in the language of the page. */
  readonly isKnown: boolean;
  /** Pages that it speaks of. */
  readonly pages: readonly AdvicePage[];
}

/** Words of the API about failures in the language of the page. */
export interface FailureWords {
  /** Returns a reason or a meaning; undefined: no text is known for all of it, and it is shown as the API says it. */
  toReason(words: string): string | undefined;
  /** Returns advice, which may be several sentences; those without a text stay as the API says them. */
  toAdvice(words: string): Advice;
}

/**
 * Returns the words by their texts (`texts/failures`): by the words of the API, in which `{name}` stands for a value, and `{reason}` for
 * words that have a text themselves.
 */
export function buildFailureWords(texts: Readonly<Record<string, string>>): FailureWords {
  const patterns = Object.keys(texts)
    .filter((words) => words.includes('{'))
    // The most words first: others stand for any.
    .sort((a, b) => withoutNames(b).length - withoutNames(a).length)
    .map((words) => ({ text: texts[words] ?? '', pattern: toPattern(words) }));
  const sentences = [...new Set([...Object.keys(texts), ...Object.keys(ADVICE_PAGES)])].sort(
    (a, b) => b.length - a.length,
  );
  const readReason = (words: string, depth: number): string | undefined => {
    if (Object.hasOwn(texts, words)) return texts[words];
    for (const { pattern, text } of patterns) {
      const values = pattern.exec(words)?.groups;
      if (!values) continue;
      const { reason: inner } = values;
      const reason = inner === undefined || depth === MAX_DEPTH ? undefined : readReason(inner, depth + 1);
      if (inner === undefined || reason !== undefined) return fill(text, { ...values, ...(reason && { reason }) });
    }
    return undefined;
  };
  const toReason = (words: string) => readReason(words, 1);
  const toAdvice = (words: string): Advice => {
    const known = sentences.find((one) => words === one || words.startsWith(`${one} `));
    const first = known ?? /^.+?[.:](?= \p{Lu})/u.exec(words)?.[0] ?? words;
    const page = ADVICE_PAGES[first];
    const rest = words.slice(first.length + 1);
    const further = rest === '' ? undefined : toAdvice(rest);
    return {
      text: [texts[first] ?? first, ...(further ? [further.text] : [])].join(' '),
      isKnown: Object.hasOwn(texts, first) && (further?.isKnown ?? true),
      pages: [...(page === undefined ? [] : [page]), ...(further?.pages ?? [])],
    };
  };
  return { toReason, toAdvice };
}

/** Reasons in one another that are read. More would take exponential time, and settings of a tenant have a say in the words. */
const MAX_DEPTH = 5;

const NAME = /\{(\w+)\}/g;

const VALUES: { readonly [name: string]: string } = {
  status: '\\d{3}',
  time: '[\\dTZ:. -]+',
  count: '\\d+',
  code: '[\\dA-Z_. ]+',
};

function toPattern(words: string): RegExp {
  const parts = words.split(NAME);
  const source = parts.map((part, index) =>
    index % 2 === 0 ? part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : `(?<${part}>${VALUES[part] ?? '.+'})`,
  );
  return new RegExp(`^${source.join('')}$`, 's');
}

const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(NAME, (all, name: string) => values[name] ?? all);

const withoutNames = (words: string): string => words.replaceAll(NAME, '');
