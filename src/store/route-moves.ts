import type pg from 'pg';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import { INSTALLATION_ACCOUNT } from '../model/route.ts';
import { isoTime } from '../time/iso-time.ts';
import { appendAuditEntry } from './audit-log.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';

/** Time in ms within which the messages of a channel of a tenant are moved between accounts at most once. */
export const MOVE_PAUSE_MS: Millis = 600_000;
/** Moves that are read at once, the latest ones. */
const MAX_MOVES = 10_000;

/** An account from which messages were moved to others. */
export interface RouteMove {
  readonly tenantId: string;
  readonly channel: Channel;
  /** As in routes: `installation` is that of the installation. */
  readonly account: string;
  /** Percent of its messages that it keeps; 100: it has all of them again. */
  readonly share: number;
  /** When messages were first moved away. */
  readonly since: Millis;
  readonly movedAt: Millis;
  readonly cause: string;
}

const COLUMNS = 'tenant_id as "tenantId", channel, account, share, since, moved_at as "movedAt", cause';

/** Returns the accounts of all tenants, or of one, that keep a part of their messages only, those moved last first. */
export async function listRouteMoves(connection: Connection, tenantId: string | null): Promise<RouteMove[]> {
  const { rows } = await connection.query<RouteMove>(
    `select ${COLUMNS} from route_moves where share < 100 ${tenantId === null ? '' : 'and tenant_id = $1'}
     order by moved_at desc limit ${MAX_MOVES}`,
    tenantId === null ? [] : [tenantId],
  );
  return rows;
}

/** Returns the latest move of each account of a tenant, those that have all of their messages again as well; the latest first. */
export async function listLastMoves(connection: Connection, tenantId: string): Promise<RouteMove[]> {
  const { rows } = await connection.query<RouteMove>(
    `select ${COLUMNS} from route_moves where tenant_id = $1 order by moved_at desc limit ${MAX_MOVES}`,
    [tenantId],
  );
  return rows;
}

/** Wish to change the share of messages that an account keeps. */
export type WantedMove = Pick<RouteMove, 'tenantId' | 'channel' | 'account' | 'share' | 'cause'>;

/** Steps of a move, as the audit log and the notices name them. */
export type MoveStep = 'route.moved' | 'route.returning' | 'route.restored';

/** Result of a wish to move. */
export interface MadeMove {
  /** When the messages of the channel were last moved. */
  readonly movedAt: Millis;
  /** The step that was made; undefined: it was too early, the account is in no route any longer, or the tenant is gone. */
  readonly step?: MoveStep;
}

/**
 * Whether no message of a channel goes by an account: the route of the active catalog does not name it, or there is no route, and the
 * account is that of the installation. A SQL expression over `active` (tenant_id, content) and the columns of a move, `m`.
 */
const IS_UNROUTED = `case
  when jsonb_path_exists(active.content, '$.routes[*] ? (@.channel == $c)', jsonb_build_object('c', m.channel))
  then not jsonb_path_exists(active.content, '$.routes[*] ? (@.channel == $c).entries[*] ? (@.account == $a)',
                             jsonb_build_object('c', m.channel, 'a', m.account))
  else m.account = '${INSTALLATION_ACCOUNT}' end`;

/** With the version that is being released: its users' messages go by its routes. */
const ACTIVE = `(select c.tenant_id, t.content from active_catalogs as k
  cross join lateral unnest(array[k.version, (k.release ->> 'version')::int]) as v(version)
  join catalogs as c on c.tenant_id = k.tenant_id and c.version = v.version
  cross join lateral (select content from catalog_contents where content_hash = c.content_hash limit 1) as t) as active`;

/**
 * Ends the moves of accounts by which no message goes any longer, or every message, after the active catalogs of these tenants
 * have changed.
 */
export async function endUnroutedMoves(connection: Connection, tenantIds: readonly string[]): Promise<void> {
  await connection.query({
    name: 'end-unrouted-moves',
    text: `delete from route_moves as m
           where tenant_id = any ($1)
             and (select bool_and(${IS_UNROUTED}) from ${ACTIVE} where active.tenant_id = m.tenant_id)`,
    values: [tenantIds],
  });
  await endLoneMoves(connection, tenantIds);
}

/**
 * Ends the moves of tenants from accounts that have no other one beside them in their route: no message can leave them. When
 * the messages of the channel were moved last stays known.
 */
export async function endLoneMoves(connection: Connection, tenantIds: readonly string[]): Promise<void> {
  await connection.query({ name: 'end-lone-moves', text: END_LONE_MOVES, values: [tenantIds, INSTALLATION_ACCOUNT] });
}

const END_LONE_MOVES = `
  update route_moves as m set share = 100
  from (
    select k.tenant_id, k.channel, case
        when cardinality(own.accounts) = 0 then '{}'
        when routed.accounts is null then own.accounts
        else array(select unnest(routed.accounts) intersect select unnest(own.accounts || $2::text))
      end as accounts
    from (select distinct tenant_id, channel from route_moves where tenant_id = any($1) and share < 100) as k
      cross join lateral (
        select array(
          select account::text from provider_accounts as p
          where p.tenant_id = k.tenant_id and p.enabled and k.channel = any(p.channels)) as accounts) as own
      cross join lateral (
        select array_agg(e->>'account') as accounts
        from ${ACTIVE}, jsonb_array_elements(active.content->'routes') as r, jsonb_array_elements(r->'entries') as e
        where active.tenant_id = k.tenant_id and r->>'channel' = k.channel) as routed
  ) as used
  where m.tenant_id = used.tenant_id and m.channel = used.channel and m.share < 100 and cardinality(used.accounts) < 2`;

/** Whether no message of a channel goes by an account. From then on the active catalog stays as it is until the end of the transaction. */
async function isUnrouted(connection: Connection, { tenantId, channel, account }: WantedMove): Promise<boolean> {
  await connection.query('select from active_catalogs where tenant_id = $1 for share', [tenantId]);
  const { rows } = await connection.query<{ unrouted: boolean | null }>(
    `select bool_and(${IS_UNROUTED}) as unrouted from ${ACTIVE} cross join (values ($2::text, $3::text)) as m (channel, account)
     where active.tenant_id = $1`,
    [tenantId, channel, account],
  );
  return rows[0]?.unrouted === true;
}

/**
 * Changes the share of an account, unless the messages of this channel of the tenant were moved less than MOVE_PAUSE_MS ago, by any
 * process. Each step is in the audit log of the tenant, once.
 */
export async function moveRoute(pool: pg.Pool, wanted: WantedMove, now: Millis): Promise<MadeMove> {
  const { tenantId, channel, account, share, cause } = wanted;
  return withTransaction(pool, async (connection) => {
    // Processes that see the same failure at the same time wait here; the second finds the move of the first.
    await connection.query("select pg_advisory_xact_lock(hashtext('tidings route'), hashtext($1))", [
      `${tenantId} ${channel}`,
    ]);
    const { rows } = await connection.query<{ moved: Millis | null; share: number | null }>(
      `select max(moved_at) as moved, max(share) filter (where account = $3) as share
       from route_moves where tenant_id = $1 and channel = $2`,
      [tenantId, channel, account],
    );
    const last = rows[0]?.moved ?? null;
    if (last !== null && last > now - MOVE_PAUSE_MS) return { movedAt: last };
    // This process knows an older catalog: its move would stay for good.
    if (await isUnrouted(connection, wanted)) return { movedAt: now - MOVE_PAUSE_MS };
    const { rowCount } = await connection.query(
      `insert into route_moves (tenant_id, channel, account, share, since, moved_at, cause)
       select $1, $2, $3, $4, $5, $5, $6 where exists (select from tenants where tenant_id = $1)
       on conflict (tenant_id, channel, account) do update set share = excluded.share, moved_at = excluded.moved_at,
         cause = excluded.cause, since = case when route_moves.share = 100 then excluded.since else route_moves.since end`,
      [tenantId, channel, account, share, isoTime(now), cause],
    );
    if (rowCount === 0) return { movedAt: now };
    const step = share === 100 ? 'route.restored' : share > (rows[0]?.share ?? 100) ? 'route.returning' : 'route.moved';
    const detail = { channel, share, cause };
    const actor = systemActor('routes');
    await appendAuditEntry(connection, { tenantId, actor, action: step, subject: account, detail }, now);
    return { movedAt: now, step };
  });
}

/** Forgets the moves of an account, but for those of channels that it still sends. */
export async function deleteMovesOf(
  connection: Connection,
  tenantId: string,
  account: string,
  except: readonly Channel[] = [],
): Promise<void> {
  await connection.query({
    name: 'delete-moves-of-account',
    text: 'delete from route_moves where tenant_id = $1 and account = $2 and channel <> all ($3)',
    values: [tenantId, account, except],
  });
}
