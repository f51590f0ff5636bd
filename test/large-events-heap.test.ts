import { expect, test } from 'vitest';
import { postLarge, type SmallHeap, useSmallHeap } from './support/small-heap.ts';
import { FINTECH } from './support/tidings.ts';

/*
 * Users with hundreds of large events, in a program whose heap is smaller than these. Nothing that looks at such a user loads
 * all of them at once.
 */

const startProgram = useSmallHeap();
const HEAP_MB = 160;
const COUNT = 300;

const files = (rules: string, templates: { readonly [path: string]: string }) => ({
  'events.yaml': 'events: { large: {}, small: {}, other: {} }\n',
  'notifications.yaml': 'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n',
  'rules.yaml': `rules:\n${rules}`,
  ...Object.fromEntries(Object.entries(templates).map(([path, text]) => [`templates/N/${path}`, text])),
});

const small = (userId: string, type: string, at: number, properties: object = {}) => ({
  user_id: userId,
  event_type: type,
  event_timestamp: new Date(at).toISOString(),
  properties,
});

async function expectAccepted({ post }: SmallHeap, event: object): Promise<void> {
  const { status, body } = await post([event]);
  expect([status, body.results.map((result) => result.status)]).toEqual([202, ['accepted']]);
}

test('300 large triggers that wait for an earlier event are decided with a small heap', {
  timeout: 120_000,
}, async () => {
  const program = await startProgram(HEAP_MB, FINTECH);
  const now = Date.now();
  const event = { user_id: 'u', event_type: 'link_bank_success' };
  await postLarge(program, COUNT, now, event, (n) => ({ bank_name: `Bank ${n}` }));
  await expectAccepted(program, small('u', 'signup_completed', now - COUNT * 1000));
  const decided = await program.decisions('u', 'BANK_LINK_NUDGE_SMS');
  expect(decided.filter(({ outcome }) => outcome === 'send')).toHaveLength(1);
  expect(decided.filter(({ reason_code }) => reason_code === 'limit_reached')).toHaveLength(COUNT - 1);
  expect(program.program.over).toBe(false);
});
