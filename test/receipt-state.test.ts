import fc from 'fast-check';
import { expect, test } from 'vitest';
import { getReceiptState } from '../src/track/receipt-state.ts';

const at = 1_000_000;
type Given = Parameters<typeof getReceiptState>[0][number];
const one = (kind: Given['kind'], more: Partial<Given> = {}): Given => ({
  id: `${kind} ${JSON.stringify(more)}`,
  kind,
  at,
  ...more,
});
const stateOf = (receipts: readonly Given[], channel: 'email' | 'sms' = 'email') =>
  getReceiptState(receipts, { channel });

test.each([
  [[], null],
  [[one('accepted')], null],
  [[one('deferred')], null],
  [[one('unknown')], null],
  [[one('delivered')], 'delivered'],
  [[one('opened')], 'delivered'],
  [[one('delivered'), one('bounced', { isPermanent: true })], 'bounced'],
  [[one('delivered'), one('bounced', { isPermanent: false })], 'delivered'],
  [[one('bounced', { isPermanent: false })], 'bounced'],
  [[one('failed')], 'failed'],
  [[one('delivered'), one('complained')], 'complained'],
] as const)('email: %j is %s', (receipts, state) => {
  expect(stateOf(receipts).state).toBe(state);
});

test('SMS: parts that disagree are partly delivered', () => {
  const { state, failure } = stateOf([one('delivered'), one('failed', { code: '30008' })], 'sms');
  expect([state, failure?.code]).toEqual(['partly_delivered', '30008']);
});

test('without a receipt in time a delivery is unconfirmed', () => {
  expect(getReceiptState([one('accepted')], { channel: 'sms', isOverdue: true }).state).toBe('unconfirmed');
  expect(getReceiptState([one('delivered')], { channel: 'sms', isOverdue: true }).state).toBe('delivered');
});

test('what machines do is shown apart', () => {
  expect(stateOf([one('opened', { isMachine: true }), one('clicked')]).flags).toEqual(['clicked', 'machine_opened']);
});

test('a later failure without a reason does not replace an earlier one with a reason', () => {
  const { failure } = stateOf([one('failed', { code: '30003' }), one('failed', { at: at + 1 })], 'sms');
  expect(failure?.code).toBe('30003');
});

test('any order and repetition of the same receipts gives the same state', () => {
  const receipt = fc.record({
    id: fc.constantFrom<Given['id'][]>('a', 'b', 'c', 'd', 'e'),
    kind: fc.constantFrom<Given['kind'][]>(
      'accepted',
      'delivered',
      'bounced',
      'failed',
      'complained',
      'opened',
      'clicked',
      'read',
      'unsubscribed',
      'unknown',
    ),
    at: fc.integer({ min: 0, max: 3 }),
    isPermanent: fc.boolean(),
    isMachine: fc.boolean(),
    code: fc.constantFrom<NonNullable<Given['code']>[]>('1', '2'),
  });
  const bounce = { id: 'a', kind: 'bounced' as const, at, isPermanent: false, code: '1' };
  const byMachine = { ...bounce, isMachine: true };
  const byPerson = { ...bounce, isMachine: false };
  const shuffled = fc
    .uniqueArray(receipt, { maxLength: 6, selector: (r) => JSON.stringify(r) })
    .chain((set) =>
      fc.tuple(
        fc.constant(set),
        fc.shuffledSubarray([...set, ...set], { minLength: set.length * 2, maxLength: set.length * 2 }),
        fc.constantFrom('email' as const, 'sms' as const),
      ),
    );
  fc.assert(
    fc.property(shuffled, ([set, again, channel]) => {
      // Two reports with one id are one report.
      expect(stateOf(again, channel)).toEqual(stateOf(set, channel));
    }),
    { examples: [[[[byMachine, byPerson], [byPerson, byMachine], 'email']]] },
  );
});
