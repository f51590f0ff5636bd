import { describe, expect, test } from 'vitest';
import { MAX_DEDUPE_USES } from '../src/model/plan.ts';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';
import { changeSmallCatalog, listMistakes, parseCatalog } from './support/catalog.ts';
import { useNotifications } from './support/notifications.ts';

/** Types with `dedupe`: the same content goes to a user once within the window. */

const FILES = {
  'events.yaml': 'events: { shipped: {}, noted: {}, both: {} }\ntraits: { email: string, phone: string }',
  'notifications.yaml': `notifications:
  ORDER: { category: TRANSACTIONAL, channels: [email, sms], dedupe: 1h, variables: { order: object, order_id: string } }
  NOTE: { category: TRANSACTIONAL, channels: [email], dedupe: 10m }
  PLAIN: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, channels: [email], variables: { postal_address: { default: 1 Main Street } } }
  STEPS: { category: TRANSACTIONAL, channels: [email, sms] }
  DECLARED: { category: TRANSACTIONAL, channels: [email], variables: { name: string, count: number } }
  BARE: { category: TRANSACTIONAL, channels: [email, sms] }`,
  'rules.yaml': `rules:
  ORDER: { on: shipped, limit: 2 per day, variables: { order: event.order } }
  NOTE: { on: noted, delay: 5m }
  PLAIN: { on: both, notify: [PLAIN, NOTE] }`,
  ...Object.fromEntries(
    ['ORDER', 'NOTE', 'PLAIN'].flatMap((type) => [
      [`templates/${type}/email.en.subject.txt`, 'Hello'],
      [`templates/${type}/email.en.txt`, type === 'ORDER' ? 'Hello {{order_id}} {{order.id}}' : 'Hello {{event.n}}'],
    ]),
  ),
  'templates/ORDER/sms.en.txt': 'Hello {{order_id}}',
};
const MINUTE = 60_000;
const at = useNotifications(FILES);

let posted = 0;
async function post(type: string, properties: object = {}, user = 'u1') {
  const { tidings } = at();
  tidings.clock.now += 1000;
  const [result] = await tidings.ingest([
    {
      event_id: `e${++posted}`,
      user_id: user,
      event_type: type,
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties,
      user_traits: { email: 'maria@example.com', phone: '+351912345678' },
    },
  ]);
  return (result?.decisions ?? []).map(({ notification_type: name, reason_code: code, evidence }) => ({
    name,
    code,
    plan: evidence.plan?.map((verdict) => verdict.code),
  }));
}

async function expectReproduced(): Promise<void> {
  const { tidings } = at();
  for (const age of [0, 30, 24 * 60]) {
    const { reproduced } = await tidings.backtest(tidings.clock.now - age * MINUTE);
    expect(reproduced?.examples).toEqual([]);
  }
}

describe('messages of a type with dedupe', () => {
  test('are dropped while the same content went to the user within the window, and use no limit', async () => {
    const { tidings } = at();
    const sent = { name: 'ORDER', code: 'matched', plan: undefined };
    const dropped = {
      name: 'ORDER',
      code: 'all_channels_dropped',
      plan: ['duplicate_content', 'duplicate_content'],
    };
    // The order of keys does not matter, and neither does a property that is no variable.
    expect(await post('shipped', { order: { id: 1, of: 'shop' }, try: 1 })).toEqual([sent]);
    expect(await post('shipped', { try: 2, order: { of: 'shop', id: 1 } })).toEqual([dropped]);
    expect(await post('shipped', { order: { id: 1, of: 'shop' } }, 'u2')).toEqual([sent]);
    expect(await post('shipped', { order: { id: 2, of: 'shop' } })).toEqual([sent]);
    expect(await post('shipped', { order: { id: 3, of: 'shop' } })).toMatchObject([{ code: 'limit_reached' }]);
    tidings.clock.now += 24 * 60 * MINUTE;
    expect(await post('shipped', { order: { id: 1, of: 'shop' } })).toEqual([sent]);
    await expectReproduced();
  });

  test('may repeat themselves from the end of the window on, to the millisecond', async () => {
    const { tidings } = at();
    await post('shipped', { order: { id: 1 } });
    tidings.clock.now += 60 * MINUTE - 1001;
    expect(await post('shipped', { order: { id: 1 } })).toMatchObject([{ code: 'all_channels_dropped' }]);
    tidings.clock.now += 1 - 1000;
    expect(await post('shipped', { order: { id: 1 } })).toMatchObject([{ code: 'matched' }]);
    await expectReproduced();
  });

  test('are compared when their wait ends, with those of other rules, by the event where there are no variables', async () => {
    const { tidings } = at();
    await post('noted', { n: 1 });
    await post('noted', { n: 2 });
    expect(await post('both', { n: 1 })).toEqual([
      { name: 'PLAIN', code: 'matched', plan: undefined },
      { name: 'NOTE', code: 'matched', plan: undefined },
    ]);
    tidings.clock.now += 6 * MINUTE;
    expect(await tidings.fireDueWaits(['u1'])).toBe(2);
    const { rows } = await tidings.database.pool.query('select decisions from waits order by due_at');
    expect(rows.map(({ decisions }) => JSON.stringify(decisions).includes('duplicate_content'))).toEqual([true, false]);
    await expectReproduced();
  });

  test('that are asked for directly are compared by their variables, content and channel', async () => {
    const { send, user, tidings } = at();
    await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
    const states = async (body: object) => {
      tidings.clock.now += 1000;
      const answer = await send({ variables: { order_id: '1' }, ...body });
      return answer.body.results.map(({ state }: { state: string }) => state)[0];
    };
    expect(await states({ channels: ['email'] })).toBe('accepted');
    const again = await states({ channels: ['email'] });
    expect(again).not.toBe('accepted');
    expect(await states({ channels: ['sms'] })).toBe('accepted');
    expect(await states({ variables: { order_id: '2' } })).toBe('accepted');
    expect(await states({ content: { title: 'Hi', text: 'It is here.' } })).toBe('accepted');
    expect(await states({ content: { title: 'Hi', text: 'It is here.' } })).toBe(again);
    await expectReproduced();
  });

  test('of one request arrive once, and a dry run remembers nothing', async () => {
    const { send, user, tidings } = at();
    await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
    const count = async () => {
      const { rows } = await tidings.database.pool.query("select bucket from limit_uses where limit_key = '@dedupe'");
      return rows.length;
    };
    await send({ variables: { order_id: '1' } }, {}, '?dry_run=true');
    expect(await count()).toBe(0);
    await send({ variables: { order_id: '1' } });
    expect(await count()).toBe(2);
    const { rows } = await tidings.database.pool.query('select bucket from limit_uses');
    for (const { bucket } of rows) expect(bucket).not.toContain('order');
  });
});

test('a window is a duration of at most 24h', async () => {
  const mistakes = async (dedupe: string) => {
    const notifications = `notifications:\n  N: { category: SYSTEM, channels: [internal], dedupe: ${dedupe} }`;
    const all = await listMistakes(changeSmallCatalog({ 'notifications.yaml': notifications }));
    return all.map(({ message }) => message).filter((message) => message.includes('dedupe'));
  };
  expect(await mistakes('24h')).toEqual([]);
  expect(await mistakes('2d')).toEqual(['"dedupe" is longer than 24h']);
});

const CASE_FILES = {
  ...FILES,
  'notifications.yaml': FILES['notifications.yaml'].split('\n  PROMO')[0] ?? '',
};

describe('in cases', () => {
  const run = async (events: string, expected: string) => {
    const data = await parseCatalog(new Map(Object.entries(CASE_FILES)));
    const text = `cases:\n  - name: it\n    events:\n${events}\n    expect: [${expected}]`;
    const [one] = parseCases('cases.yaml', text, data);
    return runCase(compileCaseRules(data), one!, () => 0);
  };

  test('what repeats itself is suppressed', async () => {
    const first = '      - { at: 2026-03-01T09:00Z, shipped: { order: { id: 1 } } }';
    const second = '      - { at: 2026-03-01T09:59Z, shipped: { order: { id: 1 } } }';
    const third = '      - { at: 2026-03-01T10:00Z, shipped: { order: { id: 1 } } }';
    const { failures } = await run(
      [first, second, third].join('\n'),
      '{ ORDER: send }, { ORDER: suppressed, because: all_channels_dropped }, { ORDER: send }',
    );
    expect(failures).toEqual([]);
  });

  test(`beyond ${MAX_DEDUPE_USES} contents of a user, further ones are not remembered`, async () => {
    const lines = Array.from({ length: MAX_DEDUPE_USES }, (_, n) => {
      const when = new Date(Date.UTC(2026, 2, 1, 9, 0, 0, n)).toISOString();
      return `      - { at: ${when}, both: { n: ${n} } }`;
    });
    const after = [0, 'x', 'x'].map((n, place) => `      - { at: 2026-03-01T09:05:0${place}Z, both: { n: ${n} } }`);
    const { failures } = await run([...lines, ...after].join('\n'), '{ NOTE: send }');
    const messages = failures.map(({ message }) => message).filter((message) => message.includes('NOTE'));
    expect(messages.filter((message) => message.includes(' send NOTE'))).toHaveLength(MAX_DEDUPE_USES - 1 + 2);
  });
});
