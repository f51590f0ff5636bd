import { expect, test } from 'vitest';
import {
  expectAccepted,
  filesOfLarge,
  makeDue,
  postLarge,
  smallEvent,
  useSmallHeap,
  waitForTexts,
} from './support/small-heap.ts';
import { FINTECH } from './support/tidings.ts';

/* Triggers and messages of hundreds of large events of one user, in a program whose heap is smaller than these. */

const startProgram = useSmallHeap();
const HEAP_MB = 160;
const COUNT = 300;

test('300 large triggers that wait for an earlier event are decided with a small heap', {
  timeout: 120_000,
}, async () => {
  const program = await startProgram(HEAP_MB, FINTECH);
  const now = Date.now();
  const event = { user_id: 'u', event_type: 'link_bank_success' };
  await postLarge(program, COUNT, now, event, (n) => ({ bank_name: `Bank ${n}` }));
  await expectAccepted(program, smallEvent('u', 'signup_completed', now - COUNT * 1000));
  const decided = await program.decisions('u', 'BANK_LINK_NUDGE_SMS');
  expect(decided.filter(({ outcome }) => outcome === 'send')).toHaveLength(1);
  expect(decided.filter(({ reason_code }) => reason_code === 'limit_reached')).toHaveLength(COUNT - 1);
  expect(program.program.over).toBe(false);
});

test('messages that show a large field of hundreds of events are sent with a small heap', {
  timeout: 240_000,
}, async () => {
  const program = await startProgram(
    HEAP_MB,
    filesOfLarge('  DELAYED: { on: large, again: beside, delay: 1d, notify: N }\n', {
      'internal.en.txt': '{{event.n}} {{event.blob}}\n',
    }),
  );
  await postLarge(program, 100, Date.now(), { user_id: 'u', event_type: 'large' }, (n) => ({ n }));
  await makeDue(program, 'u');
  const texts = await waitForTexts(program, 'u', 100);
  expect(new Set(texts.map((text) => text.length >= 297_000)).size).toBe(1);
  // The log has their beginnings only.
  expect(Math.max(...program.program.output.split('\n').map((line) => line.length))).toBeLessThan(8192);
  expect(program.program.over).toBe(false);
});
