import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { medianTime, type Row } from '../row.ts';
import { type Database, withTidings } from '../setup.ts';

const DAY_MS = 86_400_000;
const SPAN_MS = 330 * DAY_MS;
/** Deliveries of each user: the second has a hundred times the ordinary. */
const OF_ONE_USER = 50;
const AT_ONCE = 200_000;
/** Requests of each list that are timed. */
const REQUESTS = 15;

/** The lists of the console about deliveries, each with the filter that finds least: the slowest must not grow with their number. */
export const listsRow: Row = {
  id: 'lists',
  name: 'lists of deliveries over HTTP, median of the slowest one',
  unit: 'ms',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 1000,
  goal: 300,
  measure(setup) {
    return setup.withDatabase(async (database) => {
      const now = Date.now();
      await fillDeliveries(database, setup.deliveries, now, setup.log);
      return await withTidings(database, async (tidings) => {
        const url = await tidings.serve();
        const also: { [name: string]: number } = {};
        for (const [name, request] of Object.entries(await listRequests(url, now)))
          also[name] = await medianTime(REQUESTS, () => readAll(request));
        return { value: Math.max(...Object.values(also)), limit: 1, also };
      });
    });
  },
};

type Request = () => Promise<Response>;

async function listRequests(url: string, now: number): Promise<{ readonly [name: string]: Request }> {
  const get = (path: string) => () => fetch(`${url}/api/v1${path}`);
  const day = new Date(now - DAY_MS).toISOString();
  const newest = (await (await get('/deliveries?limit=1')()).json()) as {
    deliveries: readonly { notification_id: string }[];
  };
  const id = newest.deliveries[0]?.notification_id ?? '';
  const groups = (await (await get('/dead-letters')()).json()) as { groups: readonly { group: string }[] };
  const search = () =>
    fetch(`${url}/api/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: id }),
    });
  return {
    newest: get('/deliveries'),
    dead: get('/deliveries?status=dead'),
    of_no_reason: get('/deliveries?reason_code=no_such_reason'),
    of_a_type: get('/deliveries?notification_type=TYPE%207&channel=sms'),
    counts: get('/deliveries/counts'),
    counts_of_a_day: get(`/deliveries/counts?since=${day}&status=dead`),
    groups: get('/dead-letters'),
    group: get(`/dead-letters/${groups.groups[0]?.group ?? ''}`),
    queue: get('/queue'),
    problems: get('/problems'),
    timeline_of_a_user: get('/audit/user_7'),
    timeline_of_a_large_user: get('/audit/user_1'),
    users: get('/users?contains=77'),
    search,
  };
}

async function readAll(request: Request): Promise<void> {
  const response = await request();
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(response.url).pathname} answered ${response.status}: ${text}`);
}

/** Fills in `count` deliveries of the last eleven months with their notifications: of a hundred, three failed, one of these is dead. */
async function fillDeliveries(
  { pool }: Database,
  count: number,
  now: number,
  log: (line: string) => void,
): Promise<void> {
  const partitions = new Partitions(pool);
  for (let at = now - SPAN_MS - 31 * DAY_MS; at < now; at += 28 * DAY_MS) await partitions.ensureAhead(at);
  const users = Math.max(2, Math.round(count / OF_ONE_USER));
  const connection = await pool.connect();
  await connection.query('set statement_timeout = 0');
  for (let from = 0; from < count; from += AT_ONCE) {
    const to = Math.min(count, from + AT_ONCE);
    await connection.query(FILL, [DEFAULT_TENANT, from, to - 1, now - SPAN_MS, SPAN_MS / count, users]);
    log(`deliveries: ${to.toLocaleString('en')} of ${count.toLocaleString('en')}`);
  }
  await connection.query(
    `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
     select $1, 'user_' || i, '{}', '{}', '{}', now(), now() from generate_series(0, $2::int - 1) as i`,
    [DEFAULT_TENANT, users],
  );
  for (const table of ['deliveries', 'notifications', 'users']) await connection.query(`vacuum (analyze) ${table}`);
  await connection.query('checkpoint');
  connection.release(true);
}

const FILL = `
with made as (
  select n, 'user_' || case when mod(n, 100) = 0 then 1 else mod(hashint8(n)::bigint & 2147483647, $6::int) end as user_id,
         to_timestamp(($4::float8 + $5::float8 * n) / 1000) as at, 'TYPE ' || mod(n, 20) as type,
         (array['email', 'push', 'sms', 'in_app'])[1 + mod(n / 20, 4)] as channel,
         case when mod(n, 100) < 2 then 'undeliverable' when mod(n, 100) = 2 then 'dead' else 'sent' end as status,
         (lpad(to_hex(($4::float8 + $5::float8 * n)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid as id
  from (select n, md5('delivery' || n) as h from generate_series($2::bigint, $3::bigint) as n) as numbered
), noted as (
  insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id, event_id,
                             catalog_version, data, created_at)
  select $1, user_id, id, type, 'TRANSACTIONAL', type, id::text, id::text, 1, '{}', at from made
)
insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
                        in_doubt_policy, attempts, fence, worker, claimed_at, provider, reason_code, reason, dead_letter, created_at,
                        finished_at, started_at, duration_ms)
select $1, id, channel, user_id, type, status, at, at + interval '1 day', 'resend', 1, 1, 'history', at, 'noop',
       case status when 'dead' then 'retries_exhausted' when 'undeliverable' then 'no_address' end,
       case status when 'sent' then null else 'It failed.' end,
       case status when 'dead' then dead_letter_group('recipient', channel, 'noop', null, 'retries_exhausted', 'code ' || mod(n / 100, 50)) end,
       at, at, case status when 'sent' then at end, case status when 'sent' then 5 end
from made`;
