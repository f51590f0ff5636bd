import type { NotificationType } from '../model/catalog.ts';
import { type Channel, URGENT_PRIORITY } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { PlanUser } from '../model/plan.ts';
import type { Policy } from '../model/preferences.ts';
import type { Terms } from '../model/terms.ts';
import { planChannel, type TimedVerdict } from './verdicts.ts';

/** A message that was planned before, and is about to be sent. */
export interface ReplanQuestion {
  readonly type: NotificationType;
  readonly terms: Terms;
  readonly policy: Policy;
  readonly user: PlanUser;
  readonly now: Millis;
  readonly expiresAt: Millis | null;
  /** As it is stored: see `getPriorityNumber`. */
  readonly priority: number;
}

/**
 * Asks the plan again about a planned message, with the terms and the policy as they are now. Folding, caps and content that
 * repeats itself were decided before. Returns the verdict that holds or drops it; undefined: it may go.
 */
export function replanChannel({ priority, ...asked }: ReplanQuestion, channel: Channel): TimedVerdict | undefined {
  const planned = planChannel({ ...asked, channels: [channel], isUrgent: priority === URGENT_PRIORITY }, channel);
  return planned.verdict.verdict === 'go' ? undefined : planned;
}
