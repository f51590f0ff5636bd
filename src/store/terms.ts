import type pg from 'pg';
import { jsonText } from '../events/content.ts';
import { ADDRESS_USER } from '../model/direct.ts';
import type { JsonObject, Millis, Profile } from '../model/event.ts';
import type { Terms } from '../model/terms.ts';
import { isoTime } from '../time/iso-time.ts';
import { MAX_STEPS, WAITS_FOR_TURN } from './deliveries/fallbacks.ts';
import { HELD_BY_PLAN } from './deliveries/held-by-plan.ts';
import { packTextArray } from './pg/params.ts';
import type { Statement } from './pg/pipeline.ts';
import type { Connection } from './pg/pool.ts';
import { selectivityHint } from './pg/selectivity-hint.ts';

/** Returns the statements that store the terms of users with rows, and let claims look at terms from now on. */
export function writeTerms(
  tenantId: string,
  changed: readonly { readonly userId: string; readonly terms: Terms }[],
): Statement[] {
  const rows = changed.map(({ userId, terms }) => ({ u: userId, t: terms as unknown as JsonObject }));
  return [
    { name: 'write-terms', text: WRITE_TERMS, values: [tenantId, jsonText(rows)] },
    { name: 'note-terms', text: NOTE_TERMS, values: [tenantId] },
  ];
}

/** Look-ups through a lateral part: a join may be planned as a scan of all users. */
const WRITE_TERMS = `
update users set terms = found.t
from (
  select own.row, r.t from json_to_recordset($2) as r(u text, t json)
  cross join lateral (select ctid as row from users where tenant_id = $1 and user_id = r.u limit 1) as own
) as found
where users.ctid = found.row and tenant_id = $1`;

const NOTE_TERMS = `update active_catalogs set has_terms = true where tenant_id = $1 and not has_terms`;

/**
 * Returns the statement that makes what the plan holds for these users due: its claims decide again. A delivery that waits for a cap keeps
 * the time that is reserved for it. What goes to an address is also held by the terms of others who have that address, so theirs is due as
 * well.
 */
export function releaseHeld(tenantId: string, userIds: readonly string[], now: Millis): Statement {
  return { name: 'release-held', text: RELEASE_HELD, values: [tenantId, packTextArray(userIds), isoTime(now)] };
}

/** Held deliveries of one user that are released, at most; those beyond are decided again at their time. */
const MAX_RELEASED = 10_000;
/** Users of an address, and addresses of a user, at most. */
const MAX_SHARED = 1000;

/** The first held channel of those that are tried one after the other is due; those after it come earlier by as much. */
const RELEASE_HELD = `
with asked as (
  select user_id, i::int as i from unnest(string_to_array($2, E'\\x1f')) with ordinality as q(user_id, i)
), concerned as materialized (
  select user_id, min(i) as i from (
    select * from asked
    union all
    select a.user_id, asked.i from asked cross join lateral (
      select user_id from addresses
      where starts_with(asked.user_id, '${ADDRESS_USER}') and tenant_id = $1 and hash = substr(asked.user_id, ${ADDRESS_USER.length + 1}) and hash > ''
      order by user_id limit ${MAX_SHARED}
    ) as a
    union all
    select '${ADDRESS_USER}' || a.hash, asked.i from asked cross join lateral (
      select hash from addresses where tenant_id = $1 and user_id = asked.user_id limit ${MAX_SHARED}
    ) as a
  ) as one
  group by user_id
), held as materialized (
  select found.*, concerned.i from concerned
  cross join lateral (
    select tenant_id, notification_id, channel, target, step, due_at, (plan->>'until')::timestamptz as held_until from deliveries
    where tenant_id = $1 and user_id = concerned.user_id and ${HELD_BY_PLAN} and status = 'queued' and due_at > $3
    order by step nulls first
    limit ${MAX_RELEASED}
  ) as found
), found as materialized (
  select held.*, case when before.is_open then $3::timestamptz + greatest(held.due_at - held.held_until, '0') else $3::timestamptz end as turn
  from held
  cross join lateral (
    -- One before it that is released as well, goes at the same time, or is on its way; what is tried again later is not waited for.
    select exists (
      select from deliveries as e
      where held.step is not null and e.tenant_id = held.tenant_id and e.notification_id = held.notification_id and e.step < held.step
        and (e.status = 'sending' or e.status = 'queued' and (e.due_at <= $3 or e.${HELD_BY_PLAN}))
    ) as is_open
  ) as before
), released as (
  update deliveries as d
  set due_at = found.turn, retry_until = case when found.turn > $3 then d.retry_until + (found.turn - d.due_at) else d.retry_until end,
      hold_code = case when found.turn > $3 then 'fallback' else d.hold_code end, plan = case when found.turn > $3 then null else d.plan end
  from found
  where d.tenant_id = found.tenant_id and d.notification_id = found.notification_id and d.channel = found.channel and d.target = found.target
    and d.due_at = found.due_at and d.status = 'queued' and ${selectivityHint('found.i')}
  returning 1
), next as materialized (
  select distinct on (after.notification_id, after.channel, after.target) after.*, found.i, found.due_at - found.turn as early
  from found
  cross join lateral (
    select tenant_id, notification_id, channel, target, due_at from deliveries
    where tenant_id = found.tenant_id and notification_id = found.notification_id and step > found.step and ${WAITS_FOR_TURN}
      and due_at >= found.due_at
    limit ${MAX_STEPS}
  ) as after
  where found.step is not null
  order by after.notification_id, after.channel, after.target, found.step
)
update deliveries as d set due_at = next.due_at - next.early, retry_until = d.retry_until - next.early
from next
where d.tenant_id = next.tenant_id and d.notification_id = next.notification_id and d.channel = next.channel and d.target = next.target
  and d.due_at = next.due_at and ${WAITS_FOR_TURN} and ${selectivityHint('next.i')}`;

/** A user, as the plan sees them at a claim. */
export interface StoredPlanUser {
  readonly userId: string;
  /** With addresses masked. */
  readonly profile: Profile;
  readonly terms: Terms | null;
  /** Keyed hashes of the addresses of the traits, by kind. */
  readonly addressHashes: { readonly [kind: string]: string };
  /** Changes with the traits, the terms and the addresses of the traits. */
  readonly version: string;
}

/** Returns these users, in their order; undefined for one that is not stored. */
export async function loadPlanUsers(
  pool: pg.Pool,
  users: readonly { readonly tenantId: string; readonly userId: string }[],
): Promise<(StoredPlanUser | undefined)[]> {
  const { rows } = await pool.query({
    name: 'load-plan-users',
    text: `select q.i::int as i, u.traits, u.trait_times, u.terms, u.address_hashes, u.version
           from unnest($1::text[], $2::text[]) with ordinality as q(t, u, i)
           cross join lateral (
             select traits, trait_times, terms, address_hashes, xmin::text as version from users where tenant_id = q.t and user_id = q.u limit 1
           ) as u`,
    values: [users.map(({ tenantId }) => tenantId), users.map(({ userId }) => userId)],
  });
  const found = users.map((): StoredPlanUser | undefined => undefined);
  for (const { i, traits, trait_times: traitTimes, terms, address_hashes: addressHashes, version } of rows) {
    found[i - 1] = { userId: users[i - 1]!.userId, profile: { traits, traitTimes }, terms, addressHashes, version };
  }
  return found;
}

/** Returns the mask of an address of a user by its keyed hash; undefined: they no longer have it. */
export async function loadAddressMask(
  connection: Connection,
  tenantId: string,
  userId: string,
  hash: string,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ mask: string }>(
    'select mask from addresses where tenant_id = $1 and user_id = $2 and hash = $3 limit 1',
    [tenantId, userId, hash],
  );
  return rows[0]?.mask;
}

/** Returns the address of a user that messages of its kind go to; undefined: they have no such address. */
export async function loadBoundAddress(
  connection: Connection,
  tenantId: string,
  userId: string,
  kind: string,
): Promise<{ readonly hash: string; readonly mask: string } | undefined> {
  const { rows } = await connection.query<{ hash: string; mask: string }>(
    'select hash, mask from addresses where tenant_id = $1 and user_id = $2 and kind = $3 and place = 0',
    [tenantId, userId, kind],
  );
  return rows[0];
}
