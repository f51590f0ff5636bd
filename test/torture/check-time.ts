import type pg from 'pg';
import type { Decision } from '../../src/model/decision.ts';
import { unpackDecisions } from '../../src/store/decisions.ts';
import type { Findings } from './findings.ts';
import type { Acknowledged } from './poster.ts';
import { CART_WITHIN } from './stories.ts';

/**
 * Checks what the rules of catalog/timed.yaml did for the stories. Call it when all processes are idle: no event is posted
 * and no row is written.
 */
export async function checkTime(
  client: pg.Client,
  acknowledged: readonly Acknowledged[],
  findings: Findings,
): Promise<void> {
  const { waits, sends, decisions } = await load(client);
  checkWaits(waits, decisions, findings);
  await checkClaims(client, findings);

  const ofStories = acknowledged.filter(({ event }) => event.properties.story !== undefined);
  const stories = grouped(ofStories, ({ event }) => String(event.properties.story));
  const sendsByStory = grouped(sends, ({ rule, evidence }) => `${rule} ${evidence.key}`);
  for (const [story, events] of stories) {
    const sent = (rule: string) => sendsByStory.get(`${rule} ${story}`) ?? [];
    const count = (check: string, rule: string, should: number) => {
      const is = sent(rule).length;
      findings.expect(check, is === should, () => `${story}: ${rule} was sent ${is} times, not ${should}`);
    };
    switch (events[0]?.event.event_type) {
      case 'asked':
        count('each delay ends once', 'DELAYED', 1);
        count('what a rule emits is decided once', 'ECHO', 1);
        break;
      case 'cart_filled':
      case 'cart_paid':
        checkCart(story, events, sent('ABANDONED'), decisions, findings);
        break;
      case 'typed':
        count('each burst is sent once', 'TYPING', 1);
        break;
      case 'visit_booked':
        checkVisit(story, events, sent('REMINDER'), findings);
        break;
    }
  }
  await checkNotes(client, acknowledged, findings);
  await checkFollowUps(client, findings);
  await checkRuns(client, findings);
}

function checkWaits(waits: readonly WaitRow[], decisions: readonly Decision[], findings: Findings): void {
  const ends = grouped(
    decisions.filter(({ outcome }) => outcome === 'send' || outcome === 'cancelled'),
    ({ evidence }) => evidence.wait?.wait_id ?? '',
  );
  for (const wait of waits) {
    const { status, wait_id, kind, due, ended } = wait;
    const name = () => JSON.stringify(wait);
    findings.expect('no wait is left behind when its time has come', status !== 'waiting' || !wait.overdue, name);
    findings.expect('nothing fires before its time', status !== 'fired' || ended >= due, name);
    const how = (ends.get(wait_id) ?? []).map(({ outcome }) => outcome);
    const should = { waiting: '', fired: 'send', cancelled: 'cancelled' }[status];
    findings.expect(
      `each wait that has ${status === 'fired' ? 'fired' : 'not fired'} ends as it says, once`,
      how.join() === should,
      () => {
        return `${name()} (${kind}): ${how.join(', ') || 'no decision'}`;
      },
    );
  }
}

async function checkClaims(client: pg.Client, findings: Findings): Promise<void> {
  const { rows } = await client.query<{ place: string; n: number }>(
    `select 'waits' as place, count(*)::int as n from waits where claimed_until is not null
     union all select 'schedules', count(*)::int from schedules where claimed_until is not null or cursor is not null
     union all select 'outbox_events', count(*)::int from outbox_events
     union all select 'webhook_facts', count(*)::int from webhook_facts`,
  );
  for (const { place, n } of rows) findings.expect('no claim is left', n === 0, () => `${n} in ${place}`);
}

/** Paid in time and known in time: not sent. Paid too late, or never: sent. In between, as the payment says. */
function checkCart(
  story: string,
  events: readonly Acknowledged[],
  sends: readonly Decision[],
  decisions: readonly Decision[],
  findings: Findings,
): void {
  const filled = events.find(({ event }) => event.event_type === 'cart_filled');
  const paid = events.find(({ event }) => event.event_type === 'cart_paid');
  if (!filled) return;
  const due = timeOf(filled) + CART_WITHIN;
  const isInTime = paid !== undefined && timeOf(paid) <= due;
  const should = !isInTime ? '1' : paid.at < due ? '0' : '0 or 1';
  const is = sends.length;
  findings.expect('an absence fires when no event came', should.includes(String(is)), () => {
    return `${story}: due ${due}, paid ${JSON.stringify(paid)}; sent ${is} times, not ${should}`;
  });
  if (!isInTime) return;
  const said = decisions
    .filter(({ rule, evidence }) => rule === 'ABANDONED' && evidence.key === story)
    .map(({ reason_code }) => reason_code)
    .filter((code) => code === 'too_late' || code === 'unless_event_occurred');
  const words = is === 1 ? 'too_late' : 'unless_event_occurred';
  findings.expect('what came is named, as in time or too late', said.join() === words, () => {
    return `${story}: sent ${is} times, and ${said.join(', ') || 'nothing'} is said`;
  });
}

/** A reminder is sent unless the next event about the visit arrived before it was due. */
function checkVisit(
  story: string,
  events: readonly Acknowledged[],
  sends: readonly Decision[],
  findings: Findings,
): void {
  const inOrder = [...events].sort((a, b) => timeOf(a) - timeOf(b));
  inOrder.forEach(({ event }, i) => {
    if (event.event_type === 'visit_cancelled') return;
    const due = Date.parse(String(event.properties.at));
    const next = inOrder[i + 1];
    const is = sends.filter(({ event_ids }) => event_ids[0] === event.event_id).length;
    let should = '0 or 1';
    if (!next || timeOf(next) > due) should = due > Date.now() ? '0' : '1';
    else if (next.at < due) should = '0';
    findings.expect('a reminder moves and is cancelled with its visit', should.includes(String(is)), () => {
      return `${story}: ${event.event_type} for ${event.properties.at}, then ${JSON.stringify(next)}; sent ${is} times, not ${should}`;
    });
  });
}

async function checkNotes(client: pg.Client, acknowledged: readonly Acknowledged[], findings: Findings): Promise<void> {
  const { rows } = await client.query<{ n: number; times: number; users: number; user_id: string }>(
    `select (item -> 'event' ->> 'n')::int as n, count(*)::int as times, min(user_id) as user_id
     from notifications, json_array_elements(data -> 'items') as item
     where notification_type = 'NOTES' group by 1`,
  );
  const items = new Map(rows.map((row) => [row.n, row]));
  let noted = 0;
  for (const { event } of acknowledged) {
    if (event.event_type !== 'noted') continue;
    noted++;
    const item = items.get(event.properties.n);
    const holds = item?.times === 1 && item.user_id === event.user_id;
    findings.expect(
      'each item is in one digest, once',
      holds,
      () => `${JSON.stringify(event)}: ${JSON.stringify(item)}`,
    );
  }
  findings.expect(
    'no digest has an item that was not posted',
    items.size === noted,
    () => `${items.size} items, ${noted} noted`,
  );
}

/** The outcome of each reminder is one event, and is sent once. */
async function checkFollowUps(client: pg.Client, findings: Findings): Promise<void> {
  const { rows } = await client.query<{ id: string; sent: number; outcomes: number }>(
    `select n.notification_id as id,
            (select count(*)::int from events as e
             where e.tenant_id = n.tenant_id and e.user_id = n.user_id and e.event_type like 'notification.%'
               and e.properties ->> 'notification_id' = n.notification_id::text) as outcomes,
            (select count(*)::int from notifications as f
             where f.tenant_id = n.tenant_id and f.user_id = n.user_id and f.notification_type = 'FOLLOW_UP'
               and f.data -> 'event' ->> 'notification_id' = n.notification_id::text) as sent
     from notifications as n where n.notification_type = 'REMINDER'`,
  );
  for (const row of rows) {
    const holds = row.outcomes === 1 && row.sent === 1;
    findings.expect('the outcome of a notification is one event', holds, () => JSON.stringify(row));
  }
}

/** Longest time that a transaction waits for a frozen database or a full disk: its users are not known before its end. */
const LATE_COMMIT = `interval '8 seconds'`;

/** Each minute that was run in a zone was run once for each user who was known by then. */
async function checkRuns(client: pg.Client, findings: Findings): Promise<void> {
  const { rows } = await client.query<{
    zone: string;
    due: number;
    missing: number;
    twice: number;
    unsubscribed: number;
  }>(
    `with runs as (
       select u.zone, w.user_id, w.due_at, count(*) as times from waits as w join users as u using (tenant_id, user_id)
       where w.kind = 'every' group by 1, 2, 3
     ), minutes as (
       select distinct zone, due_at from runs
     )
     select t.zone, (extract(epoch from t.due_at) * 1000)::float8 as due,
            (select count(*)::int from users as u
             where u.zone is not distinct from t.zone and u.traits ->> 'subscribed' = 'true' and u.first_seen_at < t.due_at - ${LATE_COMMIT}
               and not exists (select from runs where runs.user_id = u.user_id and runs.due_at = t.due_at)) as missing,
            (select count(*)::int from runs
             where runs.zone is not distinct from t.zone and runs.due_at = t.due_at and times > 1) as twice,
            (select count(*)::int from runs join users as u using (user_id)
             where runs.zone is not distinct from t.zone and runs.due_at = t.due_at
               and u.traits ->> 'subscribed' <> 'true') as unsubscribed
     from minutes as t`,
  );
  findings.about('a scheduled rule runs each minute once for each user');
  for (const row of rows) {
    const holds = row.missing + row.twice + row.unsubscribed === 0;
    findings.expect('a scheduled rule runs each minute once for each user', holds, () => JSON.stringify(row));
  }
}

function grouped<T>(all: readonly T[], by: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(by(one), [...(groups.get(by(one)) ?? []), one]);
  return groups;
}

function timeOf({ event }: Acknowledged): number {
  return Date.parse(event.event_timestamp);
}

interface WaitRow {
  readonly wait_id: string;
  readonly user_id: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: string;
  readonly status: 'waiting' | 'fired' | 'cancelled';
  readonly trigger_id: string;
  /** Milliseconds. */
  readonly due: number;
  readonly ended: number;
  readonly overdue: boolean;
}

async function load(client: pg.Client): Promise<{ waits: WaitRow[]; decisions: Decision[]; sends: Decision[] }> {
  const { rows: waits } = await client.query(
    `select wait_id, user_id, rule, key, kind, status, state #>> '{trigger,eventId}' as trigger_id, decisions,
            (extract(epoch from due_at) * 1000)::float8 as due, (extract(epoch from ended_at) * 1000)::float8 as ended,
            due_at < now() as overdue
     from waits`,
  );
  const { rows: events } = await client.query(
    `select key, coalesce(event_id, key::text) as id, decisions from events
     where event_type not in ('signup_completed', 'link_bank_success', 'payment_initiated', 'payment_failed')`,
  );
  const decisions = [
    ...waits.flatMap((row) => unpackDecisions(row.decisions ?? [], row.wait_id, row.trigger_id)),
    ...events.flatMap((row) => unpackDecisions(row.decisions, row.key, row.id)),
  ];
  const sends = decisions.filter(({ outcome }) => outcome === 'send');
  return { waits: waits.map(({ decisions: _, ...row }) => row), decisions, sends };
}
