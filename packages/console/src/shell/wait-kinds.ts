import type { WaitKind } from '../api.ts';

/** What a rule waits for, in words. */
const WAITS_FOR: Record<WaitKind, string> = {
  delay: 'the end of its delay',
  at: 'its point in time',
  unless: 'something not to happen',
  debounce: 'a quiet time',
  digest: 'more to tell together',
  every: 'its turn',
};

/** Of a kind this console is too old to know, the kind itself. */
export function waitsFor(kind: WaitKind): string {
  return WAITS_FOR[kind] ?? kind;
}
