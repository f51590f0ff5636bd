import { isDeepStrictEqual } from 'node:util';
import type { CatalogCommand } from '../catalog/apply.ts';
import { requireApiSource } from '../catalog/stored/template-source.ts';
import { TidingsError } from '../errors.ts';
import { type CatalogData, DEFAULT_VARIANT } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { endTest, insertTest, loadLatestTest, type TestRow } from '../store/templates/tests.ts';
import { changeActiveCatalog, withTests } from './activate.ts';

/** A notification type and channel, whose templates are tested. */
export interface TestedPlace {
  readonly notificationType: string;
  readonly channel: Channel;
}

export type NewTest = Pick<TestRow, 'id' | 'shares' | 'metric' | 'goal' | 'plannedUsers'>;

/**
 * Begins a test of the variants of a template; one that is under way ends. The same test again changes nothing.
 * @throws TidingsError `managed_by_files`, `invalid_template` if a variant has no active template, `outdated`
 */
export async function startTest(command: CatalogCommand, place: TestedPlace, posted: NewTest): Promise<TestRow> {
  const { pool, tenantId, actor, clock } = command;
  const { notificationType, channel } = place;
  await requireApiSource(pool, tenantId);
  return changeActiveCatalog(command, async (data) => {
    requireVariants(data, place, posted);
    const latest = await loadLatestTest(pool, tenantId, notificationType, channel);
    const isRunning = data.tests?.some(({ id }) => id === latest?.id) ?? false;
    if (latest && isRunning && isSameTest(latest, posted))
      return { data: undefined, result: latest, write: async () => {} };
    const test: TestRow = { ...posted, ...place, startedAt: clock(), endedAt: null };
    const others = (data.tests ?? []).filter((one) => !isAt(one, place));
    const started = { id: test.id, notificationType, channel, shares: test.shares };
    return {
      data: withTests(data, [...others, started]),
      result: test,
      write: async (connection) => {
        await endTest(connection, tenantId, notificationType, channel, test.startedAt);
        await insertTest(connection, tenantId, test);
        const entry = {
          tenantId,
          actor,
          action: 'template_test.started',
          subject: `test ${test.id}`,
          detail: { type: notificationType, channel },
          before: isRunning && latest ? { test: latest.id } : null,
          after: { test: test.id, shares: test.shares, metric: test.metric, planned_users: test.plannedUsers },
        };
        await appendAuditEntry(connection, entry, test.startedAt);
      },
    };
  });
}

/**
 * Ends the test of a template: all users are shown that without a variant from then on. Returns false if none was under way.
 * @throws TidingsError `managed_by_files`, `outdated`
 */
export async function stopTest(command: CatalogCommand, place: TestedPlace): Promise<boolean> {
  const { pool, tenantId, actor, clock } = command;
  const { notificationType, channel } = place;
  await requireApiSource(pool, tenantId);
  const end = async (connection: Connection): Promise<boolean> => {
    const now = clock();
    const id = await endTest(connection, tenantId, notificationType, channel, now);
    if (id === undefined) return false;
    const entry = {
      tenantId,
      actor,
      action: 'template_test.ended',
      subject: `test ${id}`,
      detail: { type: notificationType, channel },
      before: { test: id },
      after: null,
    };
    await appendAuditEntry(connection, entry, now);
    return true;
  };
  const wasShown = await changeActiveCatalog(command, async (data) => {
    const tests = data.tests ?? [];
    const others = tests.filter((one) => !isAt(one, place));
    const isShown = others.length < tests.length;
    return {
      data: isShown ? withTests(data, others) : undefined,
      result: isShown,
      write: async (connection) => void (await end(connection)),
    };
  });
  // Another catalog may have taken its place.
  return wasShown || withTransaction(pool, end);
}

function isAt(one: TestedPlace, { notificationType, channel }: TestedPlace): boolean {
  return one.notificationType === notificationType && one.channel === channel;
}

function isSameTest(known: NewTest, posted: NewTest): boolean {
  const { shares, metric, goal, plannedUsers } = posted;
  return isDeepStrictEqual(
    { shares: known.shares, metric: known.metric, goal: known.goal, plannedUsers: known.plannedUsers },
    { shares, metric, goal, plannedUsers },
  );
}

function requireVariants(data: CatalogData, place: TestedPlace, { shares }: NewTest): void {
  const active = data.templates.filter((one) => isAt(one, place)).map(({ variant }) => variant ?? DEFAULT_VARIANT);
  for (const name of Object.keys(shares)) {
    if (active.includes(name)) continue;
    const message = `${place.notificationType} has no active ${place.channel} template of the variant ${JSON.stringify(name)}.`;
    throw new TidingsError('invalid_template', message, { pointer: `/shares/${name}` });
  }
}
