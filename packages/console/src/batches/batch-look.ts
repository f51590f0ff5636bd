import type { Batch } from '@tidings/client/types';
import type { BatchState, RecipientState } from '../api/types.ts';
import {
  IconAlertOctagon,
  IconArchive,
  IconBan,
  IconCheck,
  IconChecks,
  IconCircle,
  IconClock,
  IconCopy,
  IconFilter,
  IconHelp,
  IconMailAlert,
  IconPause,
  IconPlay,
  IconSend,
} from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

export const BATCH_STATES: Record<BatchState, Look> = {
  draft: { label: t('Draft'), color: 'gray', Icon: IconCircle },
  running: { label: t('Running'), color: 'blue', Icon: IconPlay },
  paused: { label: t('Paused'), color: 'orange', Icon: IconPause },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
  finished: { label: t('Finished'), color: 'ink', Icon: IconChecks },
};

/** Looks of what became of a recipient, in the order in which they are drawn: what is final first. */
export const RECIPIENT_STATES: Record<RecipientState, Look> = {
  sent: { label: t('Sent'), color: 'teal', Icon: IconCheck },
  folded: { label: t('In a digest'), color: 'indigo', Icon: IconArchive },
  failed: { label: t('Failed'), color: 'red', Icon: IconAlertOctagon },
  in_doubt: { label: t('In doubt'), color: 'grape', Icon: IconHelp },
  dropped: { label: t('Dropped'), color: 'orange', Icon: IconFilter },
  rejected: { label: t('Rejected line'), color: 'pink', Icon: IconMailAlert },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
  duplicate: { label: t('Duplicate'), color: 'gray', Icon: IconCopy },
  empty: { label: t('Empty line'), color: 'gray', Icon: IconCircle },
  accepted: { label: t('Being sent'), color: 'ink', Icon: IconSend },
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  held: { label: t('Held'), color: 'cyan', Icon: IconArchive },
  pending: { label: t('Pending'), color: 'gray', Icon: IconCircle },
};

/** Fill of a state in the bar: states of the same color differ in their shade. */
export function getFill(state: RecipientState): string {
  const shade = state === 'cancelled' ? 7 : state === 'duplicate' ? 6 : state === 'empty' ? 4 : 5;
  return state === 'pending' ? 'transparent' : `var(--mantine-color-${RECIPIENT_STATES[state].color}-${shade})`;
}

export const ALL_RECIPIENT_STATES = Object.keys(RECIPIENT_STATES) as RecipientState[];

/** States of recipients that may still change. */
const OPEN: readonly RecipientState[] = ['pending', 'accepted', 'scheduled', 'held'];

/** Whether a batch may still change. */
export function isOpen({ ended_at: endedAt }: Batch): boolean {
  return endedAt === null;
}

/** Returns how many lines are final. */
export function countFinal({ lines, counts }: Batch): number {
  return OPEN.reduce((left, state) => left - counts[state], lines);
}

/** Returns the name of a batch, or its type if it has no name. */
export function getName({ name, type }: Batch): string {
  return name ?? type;
}
