import type { RouteEntry } from '../../model/route.ts';

/** An account of a route as it is at present. */
export interface RouteMember extends Pick<RouteEntry, 'tier' | 'weight'> {
  /** Percent of its messages that it keeps. */
  readonly keeps: number;
  /** Whether its circuit is open: nothing is sent by it. */
  readonly isOpen: boolean;
}

/** Part of the messages of a route, in percent. */
export interface PresentShare {
  /** Messages that go by the account. */
  readonly sent: number;
  /** Messages that wait for it: its circuit is open, and they were not moved away. */
  readonly waiting: number;
}

/**
 * Returns the parts of the messages that accounts have at present, in their order: of messages that no condition holds for. As
 * `rankAccounts` and the chooser have it, on average: an account that fails keeps a part only, and while its circuit is open,
 * what it keeps goes by the next one as well.
 */
export function toPresentShares(members: readonly RouteMember[]): PresentShare[] {
  const first = toFirstChoices(members);
  const sent = members.map(({ isOpen }, index) => (isOpen ? 0 : (first[index] as number)));
  const waiting = members.map(() => 0);
  const usable = members.map((member) => !member.isOpen);
  members.forEach(({ isOpen, keeps, tier }, index) => {
    if (!isOpen) return;
    const part = first[index] as number;
    const ofTier = members.map((other, place) => usable[place] === true && other.tier === tier);
    const heirs = ofTier.includes(true) ? ofTier : usable;
    if (keeps === 100 || !heirs.includes(true)) {
      waiting[index] = part;
      return;
    }
    const chosen = heirs.flatMap((isHeir, place) => (isHeir ? [place] : []));
    const parts = toFirstChoices(chosen.map((place) => members[place] as RouteMember));
    chosen.forEach((place, at) => {
      sent[place] = (sent[place] as number) + (part * (parts[at] as number)) / 100;
    });
  });
  return members.map((_, index) => ({ sent: round(sent[index]), waiting: round(waiting[index]) }));
}

/** Returns in how many percent of the messages each account comes first. */
function toFirstChoices(members: readonly RouteMember[]): number[] {
  const tiers = [...new Set(members.map(({ tier }) => tier))].sort((a, b) => a - b);
  const keeps = tiers.map((tier) => Math.max(...members.filter((one) => one.tier === tier).map((one) => one.keeps)));
  const ofTier = new Map<number, number>();
  let rest = 1;
  tiers.forEach((tier, index) => {
    const kept = (keeps[index] as number) / 100;
    ofTier.set(tier, rest * kept);
    rest *= 1 - kept;
  });
  // If every tier gives a part away, that part comes back to the first.
  const [top] = tiers;
  if (top !== undefined) ofTier.set(top, (ofTier.get(top) as number) + rest);
  return members.map((member) => {
    const peers = members.filter(({ tier }) => tier === member.tier);
    const all = peers.reduce((sum, { weight, keeps: kept }) => sum + weight * kept, 0);
    return (100 * (ofTier.get(member.tier) as number) * member.weight * member.keeps) / all;
  });
}

/** Rounds to a tenth. */
function round(percent = 0): number {
  return Math.round(percent * 10) / 10;
}
