import type { WaitKind } from '../api/types.ts';

/** Labels of wait kinds. */
const WAIT_LABELS: Record<WaitKind, string> = {
  delay: 'the end of its delay',
  at: 'its scheduled time',
  unless: 'the absence of an event',
  debounce: 'a quiet period',
  digest: 'more items of the digest',
  every: 'its next occurrence',
};

/** Returns the label of a wait kind; an unknown kind is returned as it is. */
export function getWaitLabel(kind: WaitKind): string {
  return WAIT_LABELS[kind] ?? kind;
}
