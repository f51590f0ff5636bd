import type { Fields } from '../fields.ts';
import type { RuleContext } from './rule-context.ts';

/** Keys that say two things at once, and why one of them is enough. */
const EXCLUDES: readonly { readonly key: string; readonly others: readonly string[]; readonly why: string }[] = [
  {
    key: 'every',
    others: ['on', 'key', 'after', 'count', 'unless', 'delay', 'at', 'if_past', 'if_missing', 'recheck'],
    why: 'a rule that acts by itself has no event and no wait',
  },
  {
    key: 'every',
    others: ['cancel_on', 'again', 'debounce', 'digest'],
    why: 'a rule that acts by itself has no event and no wait',
  },
  {
    key: 'digest',
    others: ['delay', 'at', 'unless', 'debounce', 'again', 'if_past', 'if_missing'],
    why: 'a digest collects for its own window',
  },
  {
    key: 'debounce',
    others: ['delay', 'at', 'again'],
    why: 'it waits for quiet, and each new trigger begins that anew',
  },
  { key: 'choose', others: ['notify'], why: 'each branch says what is sent' },
];

const WAITS = ['delay', 'at', 'unless', 'debounce', 'digest'];

/** Keys that mean something only beside one of others. */
const NEEDS: readonly { readonly key: string; readonly others: readonly string[]; readonly why: string }[] = [
  { key: 'if_past', others: ['at'], why: 'it is for a time that comes from a field' },
  { key: 'if_missing', others: ['at'], why: 'it is for a time that comes from a field' },
  { key: 'recheck', others: WAITS, why: 'it is for rules that wait' },
  { key: 'cancel_on', others: WAITS, why: 'it ends a wait' },
  { key: 'again', others: ['delay', 'at', 'unless'], why: 'it is for rules that wait' },
];

/** Tells keys that contradict each other, and those that say nothing where they stand. */
export function checkConflicts(c: RuleContext, found: Fields): void {
  for (const { key, others, why } of EXCLUDES) {
    if (!found.has(key)) continue;
    for (const other of others) {
      const entry = found.get(other);
      if (entry) c.problem(entry.at, `"${other}" does not go with "${key}"`, why);
    }
  }
  for (const { key, others, why } of NEEDS) {
    const entry = found.get(key);
    // What does not go with it has been told.
    if (!entry || ['every', 'debounce', 'digest', ...others].some((other) => found.has(other))) continue;
    const last = others.length > 1 ? ` or ${others.at(-1)}` : '';
    c.problem(entry.at, `"${key}" needs ${others.slice(0, Math.max(1, others.length - 1)).join(', ')}${last}`, why);
  }
  const audience = found.get('for');
  if (audience && !found.has('every')) {
    c.problem(audience.at, '"for" needs every', 'with an event, "when" is the condition');
  }
  const every = found.get('every');
  if (every && !found.has('for')) {
    c.problem(every.at, '"every" does not say for whom', 'for: user.role == "practitioner"; for everybody: for: true');
  }
}
