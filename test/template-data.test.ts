import { afterEach, expect, test } from 'vitest';
import { templateContexts } from '../src/catalog/lint/template-context.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { COMMON_VARIABLES } from '../src/templates/variables.ts';
import { parseCatalog } from './support/catalog.ts';
import type { JsonValue } from './support/events.ts';
import { keptMessages, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The linter's schema of the data of a template agrees with the data that a template gets. */

const HOUR = 3_600_000;
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

test.each([
  ['an event', 'on: began'],
  ['the outcome of a notification', 'on: notification.failed, limit: once'],
  ['a wait', 'on: began, after: { event: first.step, within: 1h }, delay: 1h, data: { twice: event.n * 2 }'],
  ['a pattern', 'on: began, after: { event: first.step, within: 1h }, data: { twice: event.n * 2 }'],
  ['a variant', 'on: began, split: { control: 0%, other: 100% }'],
  ['a burst', 'on: began, after: { event: first.step, within: 1h }, debounce: { quiet: 1h, at_most: 2h }'],
  ['a digest', 'on: began, after: { event: first.step, within: 1h }, digest: { window: 1h }'],
  ['the first of a digest', 'on: began, after: { event: first.step, within: 1h }, digest: { window: 1h, first: now }'],
  ['an occurrence', 'every: hour, for: true, data: { level: user.level }'],
])('%s', async (_name, rule) => {
  // Shows the names of all data, two levels deep, and of the items of a list. The events of a pattern are only provided to
  // templates that mention `matched`.
  const names =
    '{{#each @root as |part name|}}{{name}}:{{#each part}} {{@key}}{{#each this}} {{@key}}{{/each}}{{/each}}\n{{/each}}{{! matched }}';
  const source = new Map([
    [
      'events.yaml',
      'events: { began: { properties: { n: integer } }, first.step: { properties: { m: integer } } }\ntraits: { level: string }\n',
    ],
    ['notifications.yaml', 'notifications: { R: { category: SYSTEM, channels: [in_app] } }\n'],
    ['rules.yaml', `rules: { R: { ${rule} } }\n`],
    ['templates/R/in_app.en.txt', names],
  ]);
  const tidings = await testTidings({ in_app: sandboxProvider(['in_app']) }, source);
  cleanup.push(() => tidings.close());
  const { clock, pipeline } = tidings;
  await post(tidings, 'first.step', { m: 1 }, -60_000);
  const failure = {
    notification_type: 'R',
    notification_id: 'n',
    channel: 'in_app',
    reason: 'r',
    reason_code: 'rejected',
  };
  if (rule.includes('failed')) await post(tidings, 'notification.failed', failure);
  else await post(tidings, 'began', { n: 1 });
  clock.now += 3 * HOUR;
  await pipeline.fireDueWaits(TENANT, ['u']);
  if (rule.includes('every')) {
    await pipeline.runSchedule(
      { tenantId: TENANT, rule: 'R', cron: '', zone: '', due: clock.now, label: 'now' },
      ['u'],
      async () => {},
    );
  }

  const [context] = templateContexts(await parseCatalog(source))('R', 'in_app');
  // These events have no context, the tenant has no settings, and a template that names no variable gets none.
  const { context: _, ...others } = namesIn(context?.schema as { [name: string]: JsonValue });
  const expected: { [name: string]: readonly string[] } = { ...others, tenant: ['branding', 'name'] };
  for (const name of COMMON_VARIABLES) delete expected[name];
  expect(await shown(tidings)).toEqual(expected);
});

async function post(
  { pipeline, clock }: TestTidings,
  type: string,
  properties: { [name: string]: JsonValue },
  ago = 0,
): Promise<void> {
  const event_timestamp = new Date(clock.now + ago).toISOString();
  const event = { user_id: 'u', event_type: type, event_timestamp, properties, user_traits: { level: 'high' } };
  expect(await pipeline.ingest(TENANT, [event])).toMatchObject([{ status: 'accepted' }]);
}

/** The words of each line of the message that is sent. */
async function shown(tidings: TestTidings): Promise<{ [name: string]: string[] }> {
  const { pool } = tidings.database;
  await tidings.worker();
  await expect
    .poll(async () => (await pool.query(`select from deliveries where status <> 'sandboxed'`)).rowCount)
    .toBe(0);
  const [message] = await keptMessages(tidings);
  if (!message) throw new Error('nothing was sent');
  const lines = message.text.split('\n').map((line) => line.split(':'));
  return Object.fromEntries(lines.map(([name = '', rest = '']) => [name, rest.split(' ').filter(Boolean).sort()]));
}

/** The same of a schema, without the traits that the user has no value for. */
function namesIn(schema: { [name: string]: JsonValue }): { [name: string]: string[] } {
  const fields = (of: JsonValue | undefined): [string, JsonValue][] => {
    const { properties, items } = (of ?? {}) as { properties?: { [name: string]: JsonValue }; items?: JsonValue };
    return items === undefined ? Object.entries(properties ?? {}) : [['0', items]];
  };
  const own = ['email', 'email_address', 'phone', 'phone_number', 'time_zone', 'locale'];
  const all = (of: JsonValue): string[] =>
    fields(of).flatMap(([name, field]) => [name, ...fields(field).map(([one]) => one)]);
  return Object.fromEntries(
    fields(schema).map(([name, field]) => [
      name,
      all(field)
        .filter((one) => !own.includes(one))
        .sort(),
    ]),
  );
}
