import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import type { Terms } from '../../model/terms.ts';
import { passesQuietHours } from './quiet-hours.ts';
import { findRequired } from './required.ts';

/** A pause that is not over. */
export interface ActivePause {
  readonly until: Millis;
  readonly reason: string;
  readonly since: Millis;
}

/** Line 13: a pause of the messages to the user. What passes quiet hours passes it, and so do required types and categories. */
export function findPause(question: PlanQuestion, channel: Channel): ActivePause | undefined {
  const pause = findPauseOfUser(question);
  return pause && !passesQuietHours(question, channel) && findRequired(question) === undefined ? pause : undefined;
}

/** Returns the pause of the messages to a user; undefined: messages go at this time. */
export function findPauseOfUser({
  terms,
  now,
}: {
  readonly terms: Terms;
  readonly now: Millis;
}): ActivePause | undefined {
  const [pause, since] = terms.h ?? [];
  if (!pause || since === undefined || pause[0] <= now) return undefined;
  const [until, reason] = pause;
  return { until, reason, since };
}
