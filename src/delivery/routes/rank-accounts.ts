import { createHash } from 'node:crypto';
import type { Provider } from '../../channels/provider.ts';
import { INSTALLATION_ACCOUNT } from '../../model/route.ts';

/** An account that a message may go by. */
export interface Candidate {
  readonly provider: Provider;
  readonly tier: number;
  readonly weight: number;
  /** The condition that holds; absent: it has no condition. */
  readonly when?: string;
  /** Name of the account whose messages go by it until that is undone; absent: they are its own. */
  readonly insteadOf?: string;
}

/** Returns the name of an account in routes. */
export function getRouteName({ account }: Provider): string {
  return account ?? INSTALLATION_ACCOUNT;
}

/**
 * Returns candidates in order of preference: tier by tier; in a tier those whose condition holds first; among equal ones by weight.
 * The order depends on `id` and what is passed alone, so that it is the same in every process and attempt. When one candidate is
 * gone, only its messages go elsewhere.
 *
 * Of a tier whose accounts all keep a part of their messages only, the rest prefers the accounts after it.
 * @param id of the delivery
 * @param getShare returns the percent of its messages that an account keeps
 */
export function rankAccounts(
  candidates: readonly Candidate[],
  id: string,
  getShare: (candidate: Candidate) => number,
): Candidate[] {
  if (candidates.length === 1) return [...candidates];
  const kept: Candidate[] = [];
  const moved: Candidate[] = [];
  for (const group of groupByTier(candidates)) {
    const scored = group.map((one) => ({ one, score: toScore(one, id, getShare(one)) }));
    const ranked = scored.sort((a, b) => a.score - b.score).map(({ one }) => one);
    const share = Math.max(...group.map(getShare));
    const isMoved = share < 100 && toFraction(`${id} tier ${group[0]?.tier}`) >= share / 100;
    (isMoved ? moved : kept).push(...ranked);
  }
  return [...kept, ...moved];
}

/** Returns the candidates of each tier, those whose condition holds apart from and before those without one. */
export function groupByTier(candidates: readonly Candidate[]): Candidate[][] {
  const order = ({ tier, when }: Candidate) => 2 * tier + (when === undefined ? 1 : 0);
  const groups = new Map<number, Candidate[]>();
  for (const one of candidates) {
    const group = groups.get(order(one));
    if (group) group.push(one);
    else groups.set(order(one), [one]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Weighted rendezvous: the smallest score is the first in proportion to the weights. */
function toScore(candidate: Candidate, id: string, share: number): number {
  // By the account that is named: while it fails over, the messages of others stay where they are.
  const fraction = toFraction(`${id} ${candidate.insteadOf ?? getRouteName(candidate.provider)}`);
  return -Math.log(fraction) / (candidate.weight * share);
}

/** Returns a number from 0 (exclusive) to 1 (inclusive) that depends on the text alone. */
function toFraction(text: string): number {
  const [a, b] = [createHash('sha256').update(text).digest().readUInt32BE(0), 2 ** 32];
  return (a + 1) / b;
}
