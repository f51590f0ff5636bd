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

/*
 * Users with hundreds of large events, in a program whose heap is smaller than these. Nothing that looks at such a user loads
 * all of them at once.
 */

const startProgram = useSmallHeap();
const HEAP_MB = 160;
const FEW = 150;

test('patterns, counts, digests and waits of large events are decided and shown with a small heap', {
  timeout: 240_000,
}, async () => {
  const program = await startProgram(
    HEAP_MB,
    filesOfLarge(
      `
  CHAINED: { on: small, after: { event: large, within: 1h, same: event.card }, when: matched.large.n >= 0, notify: N }
  FEWED: { on: small, count: { of: large, at_least: ${FEW}, within: 1h, same: event.card }, notify: N }
  WHOLE: { on: other, count: { of: bulky, at_least: 120, within: 1h, same: event.blob.size() }, notify: N }
  GATHERED: { on: large, digest: { window: 1d, keep: 100 }, notify: N }
  DELAYED: { on: large, when: event.n < 50, again: beside, delay: 1d, notify: N }
`,
      {
        'internal.en.txt': '{{event.card}} {{matched.large.n}} {{total}}{{#each items}} {{event.n}}{{/each}}\n',
      },
    ),
  );
  const now = Date.now();
  const event = { user_id: 'u', event_type: 'large' };
  await postLarge(program, FEW, now, event, (n) => ({ card: 'c', n }));
  await expectAccepted(program, smallEvent('u', 'small', now, { card: 'c', blob: '' }));
  const [chained] = await program.decisions('u', 'CHAINED');
  expect([chained?.outcome, chained?.evidence.left_out]).toEqual(['send', undefined]);
  const [counted] = await program.decisions('u', 'FEWED');
  expect([counted?.outcome, counted?.evidence.count.counted]).toEqual(['send', FEW]);

  const backtest = () => program.run(['backtest', '--live', '--since', '1d', '--json']);
  expect(await backtest()).toMatchObject({ reproduced: { different: 0 }, left_out: [], users: 1 });

  // A rule that looks at the large field itself sees the latest as far as the bound reaches, and says so.
  await postLarge(program, 120, now, { user_id: 'u', event_type: 'bulky' }, (n) => ({ n }));
  await expectAccepted(program, smallEvent('u', 'other', now, { blob: 'x'.repeat(297_000) }));
  const [whole] = await program.decisions('u', 'WHOLE');
  expect(whole?.reason_code).toBe('count_not_met');
  expect(whole?.evidence.left_out).toMatchObject([
    { facts: 'contents', event_type: 'bulky', bound: '32 MiB of contents' },
  ]);
  expect(whole?.evidence.left_out[0].examined).toBeGreaterThan(100);
  expect(whole?.evidence.count.counted).toBe(whole?.evidence.left_out[0].examined);

  await makeDue(program, 'u');
  const texts = await waitForTexts(program, 'u', 2 + 1 + 50);
  const kept = Array.from({ length: 100 }, (_, index) => FEW - 100 + index);
  expect(texts).toContain(`c ${FEW} ${kept.join(' ')}`);
  expect(texts).toContain(`c ${FEW - 1}`);
  expect(texts.filter((text) => text === 'c')).toHaveLength(51);

  for (const path of ['/api/v1/audit/u', '/api/v1/explain/u/N', '/api/v1/waits', '/api/v1/activity']) {
    expect([path, (await program.get(path)).status]).toEqual([path, 200]);
  }
  // The replay of a user whose large fields do not fit into memory is left out, and the report says so.
  expect(await backtest()).toMatchObject({ left_out: ['u'] });
  expect(program.program.over).toBe(false);
});
