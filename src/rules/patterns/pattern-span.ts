import type { Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS } from '../../time/iso-time.ts';

/** The farthest that a count since an event looks back: a year. */
const MAX_COUNT_LOOKBACK_MS: Millis = 366 * DAY_MS;

/** Returns the longest time (ms) from an event of the pattern to its trigger; 0 without a pattern. */
export function getPatternSpan({ after, count }: Pick<Rule, 'after' | 'count'>): Millis {
  const steps = after.reduce((sum, step) => sum + step.within, 0);
  if (!count) return steps;
  const { window } = count;
  return Math.max(
    steps,
    window.kind === 'rolling' ? window.span : window.kind === 'day' ? 2 * DAY_MS : MAX_COUNT_LOOKBACK_MS,
  );
}
