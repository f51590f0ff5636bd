import { endedAtClaim } from '../observe/happenings.ts';
import type { OnEnded } from '../store/deliveries/claim.ts';

/** Publishes deliveries that a claim has ended: no attempt of them will be published. */
export const publishEnded: OnEnded = (ended) => {
  if (!endedAtClaim.hasSubscribers) return;
  for (const one of ended) endedAtClaim.publish(one);
};
