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
const FEW = 150;

const files = (rules: string, templates: { readonly [path: string]: string }) => ({
  'events.yaml': 'events: { large: {}, bulky: {}, small: {}, other: {} }\n',
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

/** Makes open waits of a user due now. */
async function makeDue({ database }: SmallHeap, userId: string): Promise<void> {
  await database.pool.query(`update waits set due_at = now() where status = 'waiting' and user_id = $1`, [userId]);
}

async function messages({ get, database, program }: SmallHeap, userId: string, count: number): Promise<string[]> {
  for (let tries = 0; tries < 600; tries++) {
    const { rows } = await database.pool.query(
      `select notification_id || '.' || channel as id from deliveries
       where user_id = $1 and status in ('sent', 'sandboxed') order by notification_id`,
      [userId],
    );
    if (rows.length === count) {
      const texts: string[] = [];
      for (const { id } of rows) {
        const { text } = (await get(`/api/v1/deliveries/${id}/message`)).body;
        texts.push(text.replace(/ +/g, ' ').trim());
      }
      return texts;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows: states } = await database.pool.query(
    'select status, reason, count(*) from deliveries group by 1, 2 union all select status, null, count(*) from waits group by 1',
  );
  throw new Error(`there are not ${count} messages, but ${JSON.stringify(states)}: ${program.output.slice(-3000)}`);
}

test('patterns, counts, digests and waits of large events are decided and shown with a small heap', {
  timeout: 240_000,
}, async () => {
  const program = await startProgram(
    HEAP_MB,
    files(
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
  await expectAccepted(program, small('u', 'small', now, { card: 'c', blob: '' }));
  const [chained] = await program.decisions('u', 'CHAINED');
  expect([chained?.outcome, chained?.evidence.left_out]).toEqual(['send', undefined]);
  const [counted] = await program.decisions('u', 'FEWED');
  expect([counted?.outcome, counted?.evidence.count.counted]).toEqual(['send', FEW]);

  const backtest = () => program.run(['backtest', '--live', '--since', '1d', '--json']);
  expect(await backtest()).toMatchObject({ reproduced: { different: 0 }, left_out: [], users: 1 });

  // A rule that looks at the large field itself sees the latest as far as the bound reaches, and says so.
  await postLarge(program, 120, now, { user_id: 'u', event_type: 'bulky' }, (n) => ({ n }));
  await expectAccepted(program, small('u', 'other', now, { blob: 'x'.repeat(297_000) }));
  const [whole] = await program.decisions('u', 'WHOLE');
  expect(whole?.reason_code).toBe('count_not_met');
  expect(whole?.evidence.left_out).toMatchObject([
    { facts: 'contents', event_type: 'bulky', bound: '32 MiB of contents' },
  ]);
  expect(whole?.evidence.left_out[0].examined).toBeGreaterThan(100);
  expect(whole?.evidence.count.counted).toBe(whole?.evidence.left_out[0].examined);

  await makeDue(program, 'u');
  const texts = await messages(program, 'u', 2 + 1 + 50);
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

test('messages that show a large field of hundreds of events are sent with a small heap', {
  timeout: 240_000,
}, async () => {
  const program = await startProgram(
    HEAP_MB,
    files('  DELAYED: { on: large, again: beside, delay: 1d, notify: N }\n', {
      'internal.en.txt': '{{event.n}} {{event.blob}}\n',
    }),
  );
  await postLarge(program, 100, Date.now(), { user_id: 'u', event_type: 'large' }, (n) => ({ n }));
  await makeDue(program, 'u');
  const texts = await messages(program, 'u', 100);
  expect(new Set(texts.map((text) => text.length >= 297_000)).size).toBe(1);
  // The log has their beginnings only.
  expect(Math.max(...program.program.output.split('\n').map((line) => line.length))).toBeLessThan(8192);
  expect(program.program.over).toBe(false);
});
