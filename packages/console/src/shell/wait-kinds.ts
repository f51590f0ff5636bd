import type { WaitKind } from '../api.ts';

/** Labels of wait kinds. */
const WAITS_FOR: Record<WaitKind, string> = {
  delay: 'the end of its delay',
  at: 'its point in time',
  unless: 'something not to happen',
  debounce: 'a quiet time',
  digest: 'more to tell together',
  every: 'its turn',
};

/** Returns the label of a wait kind; an unknown kind is returned as it is. */
export function waitsFor(kind: WaitKind): string {
  return WAITS_FOR[kind] ?? kind;
}
