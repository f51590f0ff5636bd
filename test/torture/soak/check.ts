import type pg from 'pg';
import type { Findings } from '../findings.ts';
import { countMessages } from './load.ts';

/** Checks that nothing is lost, doubled or stuck. @param mails by recipient */
export async function checkSoak(
  client: pg.Client,
  made: number,
  mails: ReadonlyMap<string, number>,
  findings: Findings,
): Promise<{ inDoubt: number }> {
  const one = async <T extends pg.QueryResultRow>(sql: string) => (await client.query<T>(sql)).rows[0] as T;
  const events = await one<{ rows: number; ids: number }>(
    `select count(*)::int as rows, count(distinct event_id)::int as ids from events where event_id ~ '^e[0-9]+$'`,
  );
  const wanted = countMessages(made);
  findings.expect('each event is stored', events.ids === made, () => `${events.ids} of ${made}`);
  findings.expect('none is stored twice', events.rows === events.ids, () => `${events.rows - events.ids} are`);
  const decided = await one<{ rows: number; users: number }>(
    'select count(*)::int as rows, count(distinct user_id)::int as users from notifications',
  );
  findings.expect(
    'each event that asks for a message has one',
    decided.users === wanted,
    () => `${decided.users} of ${wanted}`,
  );
  findings.expect(
    'no event is decided twice',
    decided.rows === decided.users,
    () => `${decided.rows - decided.users} are`,
  );
  const stuck = await one<{ deliveries: number; outbox: number; facts: number; leases: number }>(
    `select (select count(*)::int from deliveries where finished_at is null) as deliveries,
            (select count(*)::int from outbox_events) as outbox, (select count(*)::int from webhook_facts) as facts,
            (select count(*)::int from leases where lease_until < now() - interval '1 minute') as leases`,
  );
  const isStuck = Object.values(stuck).some((count) => count > 0);
  findings.expect('nothing is stuck', !isStuck, () => JSON.stringify(stuck));
  const unsent = await one<{ n: number }>(`select count(*)::int as n from deliveries where status <> 'sent'`);
  findings.expect('each message is sent', unsent.n === 0, () => `${unsent.n} are not`);
  const lost = wanted - mails.size;
  findings.expect('each message has arrived', lost === 0, () => `${lost} have not`);
  const doubted = await client.query<{ user_id: string }>(
    `select distinct d.user_id from attempts as a join deliveries as d using (tenant_id, notification_id, channel, target)
     where a.outcome = 'in_doubt' or a.reason like '%in doubt%'`,
  );
  const inDoubt = new Set(doubted.rows.map(({ user_id }) => `${user_id}@example.com`));
  for (const [recipient, count] of mails) {
    findings.expect(
      'no message is sent twice, unless it was in doubt',
      count === 1 || inDoubt.has(recipient),
      () => `${recipient}: ${count}`,
    );
  }
  return { inDoubt: inDoubt.size };
}
