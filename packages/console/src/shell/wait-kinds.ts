import type { WaitKind } from '../api/types.ts';
import { t } from '../text/text.ts';

/** Labels of wait kinds. */
const WAIT_LABELS: Record<WaitKind, string> = {
  delay: t('the end of its delay'),
  at: t('its scheduled time'),
  unless: t('the absence of an event'),
  debounce: t('a quiet period'),
  digest: t('more items of the digest'),
  every: t('its next occurrence'),
};

/** Returns the label of a wait kind; an unknown kind is returned as it is. */
export function getWaitLabel(kind: WaitKind): string {
  return WAIT_LABELS[kind] ?? kind;
}
