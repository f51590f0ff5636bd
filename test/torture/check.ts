import type pg from 'pg';
import type { Decision } from '../../src/model/decision.ts';
import { unpackDecisions } from '../../src/store/decisions.ts';
import type { Mail } from '../support/mailsink.ts';
import { checkTime } from './check-time.ts';
import type { User } from './events.ts';
import type { Findings } from './findings.ts';
import { CANDIDATES, CHANNEL, expectedSends, LIMITED, WINDOWED, windowOf } from './oracle.ts';
import { type Acknowledged, verdict } from './poster.ts';

const TENANT = 'default';

/** Numbers of messages that were sent again because it was not known whether they had been sent. */
export interface Doubts {
  /** Attempts whose end is not known. */
  inDoubt: number;
  /** Attempts that were considered lost, and were reported after another one had started. */
  late: number;
  /** Messages that the sink received once more. */
  duplicateMails: number;
}

/** Checks everything that the database and the sink hold, one user at a time. Call it when all processes are idle. */
export async function checkAll(
  client: pg.Client,
  users: readonly User[],
  acknowledged: Iterable<Acknowledged>,
  mails: readonly Mail[],
  findings: Findings,
): Promise<Doubts> {
  const doubts: Doubts = { inDoubt: 0, late: 0, duplicateMails: 0 };
  const posted = new Map<string, Acknowledged[]>();
  let events = 0;
  for (const one of acknowledged) {
    events++;
    const list = posted.get(one.event.user_id);
    if (list) list.push(one);
    else posted.set(one.event.user_id, [one]);
  }
  const inbox = new Map<string, Mail[]>();
  for (const mail of mails) inbox.set(keyOf(mail), [...(inbox.get(keyOf(mail)) ?? []), mail]);

  const seen = { events: 0, notifications: 0, deliveries: 0, mails: 0 };
  for (const user of users) {
    const rows = await load(client, user.userId);
    checkEvents(posted.get(user.userId) ?? [], rows, findings);
    checkSends(posted.get(user.userId) ?? [], rows, findings);
    checkDeliveries(user, rows, inbox, findings, doubts);
    seen.events += rows.events.length;
    seen.notifications += rows.notifications.length;
    seen.deliveries += rows.deliveries.length;
    seen.mails += rows.deliveries.filter((d) => inbox.has(`${d.notification_id}.${d.channel}`)).length;
  }
  await checkTotals(client, events, seen, findings);
  await checkTime(client, [...posted.values()].flat(), findings);
  findings.expect('no mail of a notification that is not stored', inbox.size === seen.mails, () => {
    return `${inbox.size} different messages at the sink, ${seen.mails} of them known`;
  });
  return doubts;
}

/** The idempotency key, `<notification>.<channel>`, is in front of the at sign. */
function keyOf(mail: Mail): string {
  return mail.messageId.slice(0, mail.messageId.lastIndexOf('@'));
}

function checkEvents(posted: readonly Acknowledged[], { events }: Rows, findings: Findings): void {
  const byNumber = new Map<number, EventRow[]>();
  for (const row of events) if (row.n !== null) byNumber.set(row.n, [...(byNumber.get(row.n) ?? []), row]);
  for (const { event, decisions } of posted) {
    const { n } = event.properties;
    const rows = byNumber.get(n) ?? [];
    findings.expect('each acknowledged event is stored exactly once', rows.length === 1, () => {
      return `event ${n} of ${event.user_id} has ${rows.length} rows`;
    });
    const [row] = rows;
    if (!row) continue;
    const same = row.event_type === event.event_type && row.at === Date.parse(event.event_timestamp);
    findings.expect('each event is stored as it was posted', same, () => `event ${n}: ${JSON.stringify(row)}`);
    const stored = row.decisions.map(verdict);
    findings.expect('what was answered is what was decided', stored.join() === decisions.join(), () => {
      return `event ${n}: answered ${decisions.join(', ')}; stored ${stored.join(', ')}`;
    });
  }
  for (const row of events) {
    const candidates = CANDIDATES[row.event_type];
    if (!candidates) continue;
    const own = row.decisions.filter(({ event_ids }) => event_ids[0] === row.id).map(({ rule }) => rule);
    findings.expect('each rule that listens decided each event once', own.join() === candidates.join(), () => {
      return `event ${row.n} (${row.event_type}) was decided by: ${own.join(', ') || 'none'}`;
    });
    const verdicts = row.decisions.map(({ rule, event_ids }) => `${rule} ${event_ids[0]}`);
    findings.expect('no decision is doubled', new Set(verdicts).size === verdicts.length, () => {
      return `event ${row.n}: ${verdicts.join(', ')}`;
    });
  }
}

function checkSends(posted: readonly Acknowledged[], rows: Rows, findings: Findings): void {
  const times = new Map(rows.events.map((row) => [row.id, row.at]));
  const decisions = [...rows.events.flatMap((row) => row.decisions), ...rows.ends];
  const sends = decisions.filter(({ outcome }) => outcome === 'send');
  const actual = new Map<string, number>();
  for (const { notification_type, event_ids } of sends) {
    if (!WINDOWED.has(notification_type)) continue;
    const window = windowOf(notification_type, times.get(event_ids[0] as string) ?? Number.NaN);
    actual.set(window, (actual.get(window) ?? 0) + 1);
  }
  const expected = expectedSends(posted.map(({ event }) => event));
  for (const window of new Set([...expected.keys(), ...actual.keys()])) {
    const [should, is] = [expected.get(window) ?? 0, actual.get(window) ?? 0];
    findings.expect('what is sent is what the events call for, no limit is exceeded', should === is, () => {
      return `${rows.userId}: ${window} should be sent ${should} times, and was ${is} times`;
    });
  }
  const limited = sends.filter(({ notification_type }) => LIMITED.has(notification_type));
  const used = rows.uses.map(({ notification_id }) => notification_id).sort();
  const needed = limited.map(({ notification_id }) => notification_id).sort();
  findings.expect('limits count what was sent', used.join() === needed.join(), () => {
    return `${rows.userId}: ${used.length} uses for ${needed.length} sends`;
  });
  const stored = rows.notifications.map(({ notification_id }) => notification_id).sort();
  const decided = sends.map(({ notification_id }) => notification_id).sort();
  findings.expect('each send has its one notification', stored.join() === decided.join(), () => {
    return `${rows.userId}: ${stored.length} notifications for ${decided.length} sends`;
  });
}

function checkDeliveries(
  user: User,
  rows: Rows,
  inbox: ReadonlyMap<string, readonly Mail[]>,
  findings: Findings,
  doubts: Doubts,
): void {
  const channels = new Map<string, string[]>();
  for (const { notification_id, channel } of rows.deliveries) {
    channels.set(notification_id, [...(channels.get(notification_id) ?? []), channel]);
  }
  for (const { notification_id, notification_type } of rows.notifications) {
    const has = channels.get(notification_id) ?? [];
    findings.expect('each notification has its deliveries', has.join() === CHANNEL[notification_type], () => {
      return `${notification_type} ${notification_id} goes by: ${has.join(', ') || 'nothing'}`;
    });
  }
  for (const delivery of rows.deliveries) {
    const { channel, status, attempts } = delivery;
    const id = `${delivery.notification_id}.${channel}`;
    const name = () => `${id}: ${JSON.stringify({ status, attempts, tried: delivery.tried, reason: delivery.reason })}`;
    findings.expect('no delivery is stuck', status !== 'queued' && status !== 'sending', name);
    const reachable = channel !== 'email' || user.email !== null;
    const accepted = channel === 'sms' ? 'sandboxed' : 'sent';
    const expected = reachable ? accepted : 'undeliverable';
    findings.expect(
      'each delivery ended as it must',
      status === expected && delivery.tried.at(-1)?.o === expected,
      name,
    );
    const numbers = delivery.tried.map(({ n }) => n);
    const inOrder = numbers.length === attempts && numbers.every((n, i) => n === i + 1);
    findings.expect('attempts have no gap and no double', inOrder && attempts > 0, name);

    const delivered = delivery.tried.filter(({ o }) => o === accepted).length;
    const inDoubt = delivery.tried.filter(({ o }) => o === 'in_doubt').length;
    doubts.inDoubt += inDoubt;
    doubts.late += Math.max(0, delivered - 1);
    if (accepted === 'sandboxed') {
      findings.expect('each message of the sandbox is kept', delivery.kept === 1, name);
    }
    if (channel === 'in_app') {
      findings.expect('each in-app message is in the inbox, once', delivery.items === 1, name);
    }
    if (channel === 'email') {
      const mails = inbox.get(id) ?? [];
      doubts.duplicateMails += Math.max(0, mails.length - 1);
      const counted = () => `${name()}; at the sink ${mails.length} times`;
      findings.expect('each mail is at the sink at least once', mails.length >= Number(reachable), counted);
      findings.expect('each recorded delivery is at the sink', mails.length >= delivered, counted);
      // Each message beyond the recorded ones needs its own attempt in doubt.
      findings.expect('exactly once where nothing was in doubt', mails.length <= delivered + inDoubt, counted);
      const addressed = mails.every(({ to }) => to === user.email);
      findings.expect('each mail reached the right user', addressed, counted);
    }
  }
}

async function checkTotals(
  client: pg.Client,
  acknowledged: number,
  seen: { events: number; notifications: number; deliveries: number },
  findings: Findings,
): Promise<void> {
  const { rows } = await client.query<{ [table: string]: number }>(
    `select (select count(*) from events where not (event_type = 'answered' or event_type like 'notification.%'))::int as events,
            (select count(*) from events)::int as all_events, (select count(*) from notifications)::int as notifications,
            (select count(*) from deliveries)::int as deliveries, (select count(*) from rejected_events)::int as rejected,
            (select count(*) from attempts where not exists (
               select from deliveries as d where d.notification_id = attempts.notification_id))::int as stray`,
  );
  const totals = rows[0] ?? {};
  findings.expect('nothing is stored that was not posted', totals.events === acknowledged, () => {
    return `${totals.events} events stored, ${acknowledged} posted and acknowledged`;
  });
  const whole =
    totals.all_events === seen.events &&
    totals.notifications === seen.notifications &&
    totals.deliveries === seen.deliveries &&
    totals.stray === 0;
  findings.expect(
    'no row without its owner',
    whole,
    () => `${JSON.stringify(totals)}, found by user ${JSON.stringify(seen)}`,
  );
  findings.expect('quarantine is empty', totals.rejected === 0, () => `${totals.rejected} rejected`);
}

interface EventRow {
  readonly id: string;
  /** Null: a rule emitted it. */
  readonly n: number | null;
  readonly event_type: string;
  /** Milliseconds. */
  readonly at: number;
  readonly decisions: readonly Decision[];
}

interface Rows {
  readonly userId: string;
  readonly events: readonly EventRow[];
  /** Decisions made when waits fired and scheduled rules ran. */
  readonly ends: readonly Decision[];
  readonly uses: readonly { readonly notification_id: string }[];
  readonly notifications: readonly { readonly notification_id: string; readonly notification_type: string }[];
  readonly deliveries: readonly {
    readonly notification_id: string;
    readonly channel: string;
    readonly status: string;
    readonly attempts: number;
    readonly reason: string | null;
    readonly tried: readonly { readonly n: number; readonly o: string }[];
    readonly kept: number;
    /** Items in the inbox of its user. */
    readonly items: number;
  }[];
}

async function load(client: pg.Client, userId: string): Promise<Rows> {
  const all = async (sql: string) => (await client.query(sql, [TENANT, userId])).rows;
  return {
    userId,
    events: (
      await all(
        `select key, coalesce(event_id, key::text) as id, (properties ->> 'n')::int as n, event_type, decisions,
              (extract(epoch from event_time) * 1000)::float8 as at
       from events where tenant_id = $1 and user_id = $2 order by event_time, key`,
      )
    ).map(({ key, ...row }) => ({ ...row, decisions: unpackDecisions(row.decisions, key, row.id) })),
    ends: (
      await all(
        `select wait_id, state #>> '{trigger,eventId}' as id, decisions from waits
         where tenant_id = $1 and user_id = $2 and decisions is not null`,
      )
    ).flatMap(({ wait_id, id, decisions }) => unpackDecisions(decisions, wait_id, id)),
    uses: await all('select notification_id from limit_uses where tenant_id = $1 and user_id = $2'),
    notifications: await all(
      'select notification_id, notification_type from notifications where tenant_id = $1 and user_id = $2',
    ),
    deliveries: await all(
      `select d.notification_id, d.channel, d.status, d.attempts, d.reason,
              coalesce((select json_agg(json_build_object('n', a.attempt, 'o', a.outcome) order by a.attempt)
                        from all_attempts() as a where a.tenant_id = $1 and a.notification_id = d.notification_id
                          and a.channel = d.channel), '[]') as tried,
              (select count(*)::int from messages as m where m.tenant_id = $1
                 and m.notification_id = d.notification_id and m.channel = d.channel) as kept,
              (select count(*)::int from inbox_items as i where i.tenant_id = $1 and i.user_id = $2
                 and i.notification_id = d.notification_id) as items
       from notifications as n join deliveries as d on d.tenant_id = $1 and d.notification_id = n.notification_id
       where n.tenant_id = $1 and n.user_id = $2`,
    ),
  };
}
