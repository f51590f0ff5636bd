import { describe, expect, test } from 'vitest';
import { type RouteMember, toPresentShares } from '../src/delivery/routes/present-shares.ts';
import { rankAccounts } from '../src/delivery/routes/rank-accounts.ts';

/** Parts of the messages that the accounts of a route have at present. */

const member = (given: Partial<RouteMember> = {}): RouteMember => ({
  tier: 1,
  weight: 1,
  keeps: 100,
  isOpen: false,
  ...given,
});
const sent = (...members: RouteMember[]) => toPresentShares(members).map((share) => share.sent);

test('weights share the messages of the first tier, and a later tier gets nothing', () => {
  expect(sent(member({ weight: 80 }), member({ weight: 20 }), member({ tier: 2 }))).toEqual([80, 20, 0]);
});

test('an account gets no messages while its circuit is open and its messages are moved', () => {
  expect(sent(member({ weight: 80, keeps: 10, isOpen: true }), member({ weight: 20 }))).toEqual([0, 100]);
  expect(sent(member({ keeps: 10, isOpen: true }), member({ tier: 2 }))).toEqual([0, 100]);
});

test('messages of an open circuit that were not moved wait for it', () => {
  const members = [member({ weight: 3, isOpen: true }), member()];
  expect(toPresentShares(members)).toEqual([
    { sent: 0, waiting: 75 },
    { sent: 25, waiting: 0 },
  ]);
});

test('where no account is left, everything waits', () => {
  const members = [member({ keeps: 10, isOpen: true }), member({ isOpen: true })];
  const shares = toPresentShares(members);
  expect(shares.map((share) => share.sent)).toEqual([0, 0]);
  expect(shares.reduce((sum, { waiting }) => sum + waiting, 0)).toBeCloseTo(100, 0);
});

describe('shares are those by which messages are really spread', () => {
  const cases: readonly (readonly RouteMember[])[] = [
    [member({ weight: 7 }), member({ weight: 2 }), member()],
    [member({ weight: 4, keeps: 10 }), member(), member({ tier: 2 })],
    [member({ keeps: 50 }), member({ tier: 2, keeps: 10 }), member({ tier: 3 })],
    [member({ keeps: 10 }), member({ tier: 2, keeps: 10 })],
    [member({ keeps: 10, isOpen: true }), member({ weight: 2 }), member({ tier: 2 })],
  ];
  test.each(cases.map((members, index) => [index, members] as const))('route %i', (_, members) => {
    const MESSAGES = 4000;
    const counts = members.map(() => 0);
    const candidates = members.map(({ tier, weight, keeps, isOpen }, index) => ({
      provider: { account: `a${index}`, index, keeps, isOpen } as never,
      tier,
      weight,
    }));
    const of = ({ provider }: { provider: unknown }) => provider as { index: number; keeps: number; isOpen: boolean };
    for (let id = 0; id < MESSAGES; id++) {
      const order = rankAccounts(candidates, `message ${id}`, (one) => of(one).keeps).map(of);
      const chosen = order.find((one) => !one.isOpen);
      if (chosen) counts[chosen.index] = (counts[chosen.index] as number) + 1;
    }
    const shares = sent(...members);
    counts.forEach((count, index) => {
      expect(Math.abs((100 * count) / MESSAGES - (shares[index] as number))).toBeLessThan(3);
    });
  });
});
