import { joinWords } from '../../../lib/text/join-words.ts';
import type { Fields } from '../fields.ts';
import type { RuleContext } from './rule-context.ts';

interface KeyRelation {
  readonly key: string;
  readonly others: readonly string[];
  /** Becomes the hint. */
  readonly why: string;
}

/** Keys that cannot stand beside `key`. */
const EXCLUDES: readonly KeyRelation[] = [
  {
    key: 'every',
    others: [
      ...['on', 'key', 'after', 'count', 'unless', 'delay', 'at', 'if_past', 'if_missing', 'recheck'],
      ...['cancel_on', 'again', 'debounce', 'digest'],
    ],
    why: 'a scheduled rule has no event and no wait',
  },
  {
    key: 'digest',
    others: ['delay', 'at', 'unless', 'debounce', 'again', 'if_past', 'if_missing'],
    why: 'a digest waits for the end of its own window',
  },
  {
    key: 'debounce',
    others: ['delay', 'at', 'again', 'if_past', 'if_missing'],
    why: 'each new trigger restarts the wait of a debounce',
  },
  { key: 'choose', others: ['notify'], why: 'each branch has its own "notify"' },
];

const WAIT_KEYS = ['delay', 'at', 'unless', 'debounce', 'digest'];

/** Keys that have an effect only beside one of others. */
const NEEDS: readonly KeyRelation[] = [
  { key: 'if_past', others: ['at'], why: 'it applies to a time that comes from a field' },
  { key: 'if_missing', others: ['at'], why: 'it applies to a time that comes from a field' },
  { key: 'recheck', others: WAIT_KEYS, why: 'it applies to rules that wait' },
  { key: 'cancel_on', others: WAIT_KEYS, why: 'it ends a wait' },
  { key: 'again', others: ['delay', 'at', 'unless'], why: 'it applies to rules that wait' },
];

/** Reports keys of a rule that contradict each other, and keys that have no effect without another one. */
export function checkConflicts(ctx: RuleContext, found: Fields): void {
  for (const { key, others, why } of EXCLUDES) {
    if (!found.has(key)) continue;
    for (const other of others) {
      const entry = found.get(other);
      if (entry) ctx.report(entry.at, `"${other}" cannot be combined with "${key}"`, why);
    }
  }
  for (const { key, others, why } of NEEDS) {
    const entry = found.get(key);
    // Beside these, the key was reported above or has an effect.
    if (!entry || ['every', 'debounce', 'digest', ...others].some((other) => found.has(other))) continue;
    ctx.report(entry.at, `"${key}" needs ${joinWords(others, 'or')}`, why);
  }
  const audience = found.get('for');
  if (audience && !found.has('every')) {
    ctx.report(audience.at, '"for" needs "every"', 'for a rule with an event, write the condition in "when"');
  }
  const every = found.get('every');
  if (every && !found.has('for')) {
    ctx.report(every.at, '"every" needs "for"', 'for: user.role == "practitioner", or for: true for all users');
  }
}
