import { DEFAULT_TENANT } from '../src/model/event.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import type { Database, Setup } from './setup.ts';

const DAY = 86_400_000;
const SPAN = 330 * DAY;
const EVENTS_PER_USER = 10;
/** Share of users, the first ones, that take part in the later rounds: they have paid but not signed up, so that decisions
 *  about them equal those on the empty database. */
const YET_TO_SIGN_UP = 0.6;
const AT_ONCE = 250_000;

/** Fills the database with what `count` events of the last eleven months would have left behind; the same kinds of rows. */
export async function fillHistory(setup: Setup, count: number, log: (line: string) => void): Promise<void> {
  const users = Math.max(1, Math.round(count / EVENTS_PER_USER));
  const newcomers = Math.floor(users * YET_TO_SIGN_UP);
  const now = Date.now();
  await setup.keepHistory(newcomers, async ({ pool }) => {
    const partitions = new Partitions(pool);
    for (let at = now - SPAN - 31 * DAY; at < now; at += 28 * DAY) {
      await partitions.ensureAhead(at);
      await partitions.ensureEvents([at], now);
    }
    for (let from = 0; from < count; from += AT_ONCE) {
      const to = Math.min(count, from + AT_ONCE);
      await fillPart({ pool }, { from, to, count, users, newcomers, start: now - SPAN });
      log(`history: ${to.toLocaleString('en')} of ${count.toLocaleString('en')} events`);
    }
    for (const statement of INSERT_USERS) await pool.query(statement, [DEFAULT_TENANT, users]);
    // As after months of autovacuum and of checkpoints.
    await pool.query('vacuum (analyze)');
    await pool.query('checkpoint');
  });
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly users: number;
  readonly newcomers: number;
  readonly start: number;
}

async function fillPart({ pool }: Pick<Database, 'pool'>, part: Part): Promise<void> {
  const { from, to, count, users, newcomers, start } = part;
  const connection = await pool.connect();
  try {
    await connection.query('begin');
    // The pool's connections are held to index probes, which is wrong for whole tables.
    await connection.query('set local enable_seqscan = on; set local enable_hashjoin = on');
    await connection.query(PART);
    await connection.query(MAKE_PART, [from, to - 1, users, newcomers, start, SPAN, count]);
    for (const statement of FROM_PART) await connection.query(statement, [DEFAULT_TENANT]);
    await connection.query('commit');
  } catch (error) {
    await connection.query('rollback');
    throw error;
  } finally {
    connection.release();
  }
}

/** Sends have a notification id, whose first 48 bits are the time, as in every UUIDv7. */
const PART = `
create temp table part (
  u text, at timestamptz, key uuid, type text, properties json, traits json, rule text, reason_code text, reason text,
  channel text, category text, bucket text, nid uuid
) on commit drop`;

/** Inserts events in order of time. The first event of a user is a sign-up, the second a bank link, the others payments. The
 *  users of later rounds only pay, and have no address. */
const MAKE_PART = `
insert into part
select 'u_' || user_number, at, key, type,
       case type
         when 'signup_completed' then json_build_object('device_type', 'mobile', 'referral_source', 'friend', 'signup_method', 'email')
         when 'link_bank_success' then json_build_object('account_type', 'checking', 'bank_name', 'ING', 'verification_method', 'open_banking')
         when 'payment_initiated' then json_build_object('amount', amount, 'currency', 'EUR', 'payment_method', 'card', 'recipient_id', 'merch_' || g % 5000)
         else json_build_object('amount', amount, 'attempt_number', 1 + g % 4, 'failure_reason', 'INSUFFICIENT_FUNDS')
       end,
       case when user_number < $4
         then json_build_object('country', 'PT', 'marketing_opt_in', user_number % 10 < 6, 'risk_segment', 'LOW')
         else json_build_object('country', 'PT', 'email', 'p…@example.com', 'marketing_opt_in', user_number % 10 < 6, 'risk_segment', 'LOW')
       end,
       rule,
       case when sent then 'matched' else 'condition_false' end,
       case when sent then 'Sent: the condition holds and the limit allows it.' else 'Not sent: the condition does not hold.' end,
       case rule when 'BANK_LINK_NUDGE_SMS' then 'sms' else 'email' end,
       case rule when 'WELCOME_EMAIL' then 'MARKETING' when 'BANK_LINK_NUDGE_SMS' then 'OPERATIONAL' else 'TRANSACTIONAL' end,
       case rule when 'INSUFFICIENT_FUNDS_EMAIL' then 'day UTC' else 'ever' end,
       case when sent then
         (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
       end
from (
  select *, md5('event' || g)::uuid as key, md5('notification' || g) as h, (g % 300000) / 100.0 as amount,
         case type when 'signup_completed' then 'WELCOME_EMAIL' when 'link_bank_success' then 'BANK_LINK_NUDGE_SMS'
                   when 'payment_failed' then 'INSUFFICIENT_FUNDS_EMAIL' end as rule,
         case type when 'signup_completed' then user_number % 10 < 6 when 'link_bank_success' then user_number % 3 > 0
                   when 'payment_failed' then g % 5 < 3 else false end as sent
  from (
    select g, g % $3 as user_number, to_timestamp(($5::float8 + $6::float8 * g / $7::float8) / 1000) as at,
           case when g % $3 >= $4 and g < $3 then 'signup_completed'
                when g % $3 >= $4 and g < 2 * $3::bigint then 'link_bank_success'
                when hashint8(g) % 5 = 0 then 'payment_failed' else 'payment_initiated' end as type
    from generate_series($1::bigint, $2::bigint) as g
  ) as timed
) as typed`;

/** Decisions in the short form of src/store/decisions.ts. */
const FROM_PART = [
  `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version,
                       has_fired, decisions)
   select $1, u, at, key, type, at + interval '1 second', properties, traits, 1, case when nid is not null then true end,
          case when rule is null then '[]' else
            '[{"r":"' || rule || '","o":"' || case when nid is null then 'not_matched' else 'send' end || '","c":"' || reason_code
            || '","s":"' || reason || '"' || coalesce(',"n":"' || nid || '"', '')
            || ',"v":{"condition":{"expression":"event.failure_reason == \\"INSUFFICIENT_FUNDS\\"","result":' || (nid is not null)::text
            || ',"values":{"event.failure_reason":"INSUFFICIENT_FUNDS"}}}}]' end::json
   from part`,
  `insert into limit_uses (tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id)
   select $1, u, rule || '/' || bucket, case bucket when 'ever' then 'ever' else (at at time zone 'UTC')::date::text end, 1, at, key, nid
   from part where nid is not null
   on conflict do nothing`,
  `insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id, event_id,
                              catalog_version, data, created_at)
   select $1, u, nid, rule, category, rule, key, key, 1,
          json_build_object('event', properties, 'traits', traits, 'user', traits,
                            'about', json_build_object('event_type', type, 'event_timestamp', at)), at
   from part where nid is not null`,
  `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
                           in_doubt_policy, attempts, fence, worker, claimed_at, provider, created_at, finished_at,
                           started_at, duration_ms)
   select $1, nid, channel, u, rule, 'sent', at, at + interval '1 day', 'resend', 1, 1, 'history', at, 'noop', at, at, at, 1
   from part where nid is not null`,
];

/** Their addresses cannot be opened: no message is sent before an event of a round brings a first valid address. */
const INSERT_USERS = [
  `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
   select $1, 'u_' || i,
          json_build_object('country', 'PT', 'email', 'p…@example.com', 'marketing_opt_in', true, 'risk_segment', 'LOW'),
          json_build_object('country', 1.7e12::bigint, 'email', 1.7e12::bigint, 'marketing_opt_in', 1.7e12::bigint, 'risk_segment', 1.7e12::bigint),
          json_build_object('email', substr(md5(i::text), 1, 32)), now(), now()
   from generate_series(0, $2::int - 1) as i`,
  `insert into addresses (tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at)
   select $1, 'u_' || i, 'email', decode(md5(i::text) || md5('sealed' || i), 'hex'), 'history', substr(md5(i::text), 1, 32),
          'p…@example.com', now()
   from generate_series(0, $2::int - 1) as i`,
];
