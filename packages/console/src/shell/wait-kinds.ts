import type { WaitKind } from '../api.ts';

/** Labels of wait kinds. */
const WAIT_LABELS: Record<WaitKind, string> = {
  delay: 'the end of its delay',
  at: 'its point in time',
  unless: 'something not to happen',
  debounce: 'a quiet time',
  digest: 'more to tell together',
  every: 'its turn',
};

/** Returns the label of a wait kind; an unknown kind is returned as it is. */
export function getWaitLabel(kind: WaitKind): string {
  return WAIT_LABELS[kind] ?? kind;
}
