import { endedAtClaim } from '../observe/happenings.ts';
import type { OnEnded } from '../store/deliveries/claim.ts';

/** Tells those who listen of deliveries that a claim has ended, which no attempt will tell of. */
export const tellEnded: OnEnded = (ended) => {
  if (!endedAtClaim.isHeard) return;
  for (const one of ended) endedAtClaim.tell(one);
};
