import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RETENTION_NAMES, type RetentionPeriods } from '../src/model/retention-policy.ts';
import { runRetention } from '../src/store/retention/run-retention.ts';
import { uuidAt } from '../src/time/uuid-time.ts';
import { useDatabase } from './support/database.ts';
import { runs } from './support/properties.ts';
import { RetentionRows } from './support/retention-rows.ts';
import { RowFactory } from './support/row-factory.ts';

/** Each table is in docs/operations.md with what ends its rows; and a run of the retention policy leaves no row that refers to a missing one. */

const DAY = 86_400_000;
const database = useDatabase();

test('docs/operations.md says of each table what ends its rows', () => {
  const schema = readFileSync(new URL('../src/store/sql/000001.sql', import.meta.url), 'utf8');
  const tables = [...schema.matchAll(/^create (?:unlogged )?table (\w+) \(/gm)].map(([, name]) => name);
  const page = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('### Every table');
  const documented = [...section.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(documented.sort()).toEqual([...tables, 'migrations'].sort());
});

/** Columns that refer to a row of another table: `child.columns` to `parent.columns`. Memories of what is gone are in the documents. */
const REFERENCES: readonly (readonly [child: string, column: string, parent: string, parentColumn: string])[] = [
  ['messages', 'notification_id', 'deliveries', 'notification_id'],
  ['attempts', 'notification_id', 'deliveries', 'notification_id'],
  ['receipts', 'notification_id', 'deliveries', 'notification_id'],
  ['deliveries', 'notification_id', 'notifications', 'notification_id'],
  ['inbox_items', 'notification_id', 'notifications', 'notification_id'],
  ['provider_messages', 'notification_id', 'notifications', 'notification_id'],
  ['webhook_facts', 'fact_id', 'notifications', 'notification_id'],
  ['batch_recipients', 'batch_id', 'batches', 'batch_id'],
  ['job_failures', 'job_id', 'jobs', 'job_id'],
];

async function countDangling(): Promise<readonly string[]> {
  const dangling: string[] = [];
  for (const [child, column, parent, parentColumn] of REFERENCES) {
    const { rows } = await database().pool.query<{ n: number }>(
      `select count(*)::int as n from ${child} as c where not exists (
         select from ${parent} as p where p.tenant_id = c.tenant_id and p.${parentColumn} = c.${column})`,
    );
    if ((rows[0]?.n ?? 0) > 0) dangling.push(`${rows[0]?.n} of ${child} to ${parent}`);
  }
  return dangling;
}

/** Counts what a run must not remove, whatever its age. */
async function countOpen(): Promise<unknown> {
  const { rows } = await database().pool.query(
    `select (select count(*)::int from deliveries where finished_at is null) as deliveries,
            (select count(*)::int from webhook_facts) as facts,
            (select count(*)::int from batches where ended_at is null and state <> 'draft') as batches,
            (select count(*)::int from batch_recipients where state = 'pending') as recipients,
            (select count(*)::int from jobs where ended_at is null) as jobs`,
  );
  return rows[0];
}

const age = fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 900 }));
const notification = fc.record({
  age,
  /** Whether each of its deliveries has ended. */
  ended: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
  isPendingFact: fc.boolean(),
  /** Days from the notification to its message. */
  sentAfter: fc.integer({ min: 0, max: 90 }),
});
const batch = fc.record({
  age,
  state: fc.constantFrom('draft', 'running', 'finished'),
  lines: fc.integer({ min: 0, max: 4 }),
});
const job = fc.record({ age, isOpen: fc.boolean(), failures: fc.integer({ min: 0, max: 3 }) });
const periods = fc
  .tuple(...RETENTION_NAMES.map(() => fc.option(fc.integer({ min: 31, max: 400 }))))
  .map((days) =>
    Object.fromEntries(
      RETENTION_NAMES.map((name, index) => [name, days[index] == null ? null : Number(days[index]) * DAY]),
    ),
  ) as fc.Arbitrary<RetentionPeriods>;

const CHANNELS = ['email', 'sms', 'push'];

test('a run leaves no row that refers to a missing one, nothing open is removed, and a second run finds nothing', async () => {
  const { pool } = database();
  const rows = new RetentionRows(database);
  for (const days of [40, 100, 200, 400]) await rows.month(days);
  const factory = new RowFactory(pool);
  const at = (days: number) => new Date(Date.now() - days * DAY).toISOString();
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(notification, { maxLength: 12 }),
      fc.array(batch, { maxLength: 3 }),
      fc.array(job, { maxLength: 3 }),
      periods,
      async (notifications, batches, jobs, kept) => {
        await pool.query(`truncate notifications, deliveries, attempts, messages, receipts, inbox_items, provider_messages,
          webhook_facts, batches, batch_recipients, jobs, job_failures, metadata, audit_log`);
        const numbered = notifications.map((one) => {
          const id = `${uuidAt(Date.now() - one.age * DAY).slice(0, 24)}${String(++made).padStart(12, '0')}`;
          return { ...one, id, sequence: made, sentAt: at(Math.max(0, one.age - one.sentAfter)) };
        });
        const ofEach = (more: (one: (typeof numbered)[number]) => object) =>
          numbered.map((one) => ({ notification_id: one.id, ...more(one) }));
        await factory.insert(
          'notifications',
          ofEach((one) => ({ created_at: at(one.age) })),
        );
        await factory.insert(
          'deliveries',
          numbered.flatMap(({ id, ended, sentAt }) =>
            ended.map((isEnded, index) => ({
              ...{ notification_id: id, channel: CHANNELS[index], in_doubt_policy: 'resend', target: '' },
              ...{ status: isEnded ? 'dead' : 'queued', finished_at: isEnded ? sentAt : null },
            })),
          ),
        );
        for (const table of ['messages', 'receipts'])
          await factory.insert(
            table,
            ofEach(() => ({ channel: 'email' })),
          );
        await factory.insert(
          'attempts',
          ofEach(() => ({ channel: 'email', outcome: 'retry' })),
        );
        await factory.insert(
          'inbox_items',
          ofEach(({ sequence, sentAt }) => ({ sequence, change: sequence, created_at: sentAt })),
        );
        await factory.insert(
          'provider_messages',
          ofEach(({ id, sentAt }) => ({ channel: 'email', message_key: id, target: '', sent_at: sentAt })),
        );
        await factory.insert(
          'webhook_facts',
          numbered.filter(({ isPendingFact }) => isPendingFact).map(({ id }) => ({ fact_id: id })),
        );
        for (const { age: days, state, lines } of batches) {
          const batchId = randomUUID();
          const end = state === 'finished' ? at(days) : null;
          const batchRow = {
            batch_id: batchId,
            operation_id: randomUUID(),
            state,
            created_at: at(days),
            ended_at: end,
          };
          await factory.insert('batches', [batchRow]);
          const lineState = state === 'running' ? 'pending' : 'sent';
          const recipients = Array.from({ length: lines }, (_, line) => ({
            batch_id: batchId,
            line,
            state: lineState,
          }));
          await factory.insert('batch_recipients', recipients);
        }
        for (const { age: days, isOpen, failures } of jobs) {
          const jobId = randomUUID();
          await insertJob(factory, jobId, isOpen, at(days));
          const items = Array.from({ length: failures }, (_, item) => ({ job_id: jobId, item: String(item) }));
          await factory.insert('job_failures', items);
        }
        const open = await countOpen();
        expect(await countDangling()).toEqual([]);

        const dry = await runRetention(pool, kept, { dryRun: true });
        const result = await runRetention(pool, kept);
        expect(await countDangling()).toEqual([]);
        expect(await countOpen()).toEqual(open);
        expect(result?.locked).toEqual([]);
        expect(Object.keys(result?.rows ?? {})).toEqual(Object.keys(dry?.rows ?? {}));
        const again = await runRetention(pool, kept);
        expect(Object.values(again?.rows ?? {}).every((count) => count === 0)).toBe(true);
      },
    ),
    runs(6),
  );
});

async function insertJob(factory: RowFactory, jobId: string, isOpen: boolean, at: string): Promise<void> {
  await factory.insert('jobs', [
    {
      ...{ job_id: jobId, action: 'waits.cancel', status: isOpen ? 'running' : 'done' },
      ...{ created_at: at, ended_at: isOpen ? null : at },
    },
  ]);
}

test('a code that was never used is removed; what was verified is kept', async () => {
  const { pool } = database();
  const factory = new RowFactory(pool);
  const at = (days: number) => new Date(Date.now() - days * DAY).toISOString();
  await pool.query('truncate address_verifications');
  const row = (hash: string, expired: number, verified: number | null) => ({
    ...{ kind: 'email', hash, expires_at: at(expired) },
    ...(verified === null ? { verified_at: null, method: null } : { verified_at: at(verified), method: 'code' }),
  });
  await factory.insert('address_verifications', [
    row('old', 40, null),
    row('recent', 1, null),
    row('verified', 40, 40),
  ]);
  const periodsOf30 = Object.fromEntries(
    RETENTION_NAMES.map((name) => [name, 30 * DAY]),
  ) as unknown as RetentionPeriods;
  await runRetention(pool, periodsOf30);
  const { rows } = await pool.query('select hash from address_verifications order by 1');
  expect(rows.map(({ hash }) => hash)).toEqual(['recent', 'verified']);
});
