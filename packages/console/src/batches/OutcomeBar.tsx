import type { Batch } from '@tidings/client/types';
import type { RecipientState } from '../api/types.ts';
import { t, toInner } from '../text/text.ts';
import { ALL_RECIPIENT_STATES, getFill, RECIPIENT_STATES } from './batch-look.ts';

/**
 * The lines of a batch as a bar, a part for each state; what is pending is the empty rest. The counts beside it say the same.
 */
export function OutcomeBar({ batch }: { batch: Batch }) {
  const shown = ALL_RECIPIENT_STATES.filter((state) => batch.counts[state] > 0);
  const words = shown.map((state) =>
    t('{count, number} {state}', { count: batch.counts[state], state: toInner(RECIPIENT_STATES[state].label) }),
  );
  return (
    <div
      className="outcome-bar"
      role="img"
      aria-label={words.length === 0 ? t('No lines') : words.join(', ')}
      data-testid="outcome-bar"
    >
      {shown.map((state) => (
        <span
          key={state}
          data-state={state}
          style={{ flexGrow: batch.counts[state], minWidth: getMinWidth(state), background: getFill(state) }}
        />
      ))}
    </div>
  );
}

/** One failure among a million is seen as well. */
function getMinWidth(state: RecipientState): number {
  return state === 'pending' ? 0 : 3;
}
