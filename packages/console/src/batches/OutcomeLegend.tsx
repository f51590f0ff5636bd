import type { Batch } from '@tidings/client/types';
import type { RecipientState } from '../api/types.ts';
import { linkToBatch } from '../route.ts';
import { getTextColor } from '../shell/outcome.ts';
import { formatCount, t } from '../text/text.ts';
import { ALL_RECIPIENT_STATES, getFill, RECIPIENT_STATES } from './batch-look.ts';

/** Counts of a batch by state; each is a link to the results of that state. `state`: the one that is shown. */
export function OutcomeLegend({ batch, state }: { batch: Batch; state: RecipientState | null }) {
  const { batch_id: id, counts, lines } = batch;
  return (
    <nav className="filter" aria-label={t('Results by state')}>
      <a href={linkToBatch(id)} aria-current={state === null || undefined}>
        {t('All {count, number}', { count: lines })}
      </a>
      {ALL_RECIPIENT_STATES.filter((each) => counts[each] > 0 || each === state).map((each) => {
        const { Icon, label, color } = RECIPIENT_STATES[each];
        return (
          <a
            key={each}
            href={linkToBatch(id, each)}
            aria-current={each === state || undefined}
            data-testid="outcome-count"
            data-state={each}
          >
            <span className="outcome-dot" style={{ background: getFill(each) }} />
            <Icon size={15} color={getTextColor(color)} />
            {label} {formatCount(counts[each])}
          </a>
        );
      })}
    </nav>
  );
}
