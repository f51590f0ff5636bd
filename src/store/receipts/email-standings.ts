import { type EmailCounts, type EmailStanding, STANDING_WINDOW_MS } from '../../model/email-standing.ts';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { ClaimedDelivery } from '../deliveries/claimed-delivery.ts';
import type { Connection } from '../pg/pool.ts';

/** Rows of one hour: so many receipts are counted at the same time. */
const PARTS = 4;
const HOUR_MS: Millis = 3_600_000;
/** Time in ms for which counts are kept: longer than the window, which begins within an hour. */
const KEPT_MS: Millis = 2 * STANDING_WINDOW_MS;

/** A tenant, and a type of it; an empty type: all of them. */
export interface StandingKey {
  readonly tenantId: string;
  readonly notificationType: string;
}

/** Counts an email, for its type and for all types of its tenant. @param draw a random number from 0 (inclusive) to 1 (exclusive) */
export async function countEmail(
  connection: Connection,
  { tenantId, notificationType }: StandingKey,
  { ended, bounced, complained }: EmailCounts,
  now: Millis,
  draw: number,
): Promise<void> {
  const hour = isoTime(Math.floor(now / HOUR_MS) * HOUR_MS);
  // That of all types first, always: two transactions do not wait for each other.
  const { rows } = await connection.query<{ new: boolean }>({
    name: 'count-email',
    text: `insert into email_counts as c (tenant_id, notification_type, hour, part, ended, bounced, complained)
           values ($1, '', $3, $4, $5, $6, $7), ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant_id, notification_type, hour, part) do update
           set ended = c.ended + excluded.ended, bounced = c.bounced + excluded.bounced, complained = c.complained + excluded.complained
           returning xmax = 0 as new`,
    values: [tenantId, notificationType, hour, Math.floor(draw * PARTS), ended, bounced, complained],
  });
  if (!rows.some((row) => row.new)) return;
  await connection.query(
    'delete from email_counts where tenant_id = $1 and notification_type in ($2, $3) and hour < $4',
    [tenantId, '', notificationType, isoTime(now - KEPT_MS)],
  );
}

/** Returns the emails of the latest window, since sending was last resumed, and whether they are paused. */
export async function loadEmailCounts(
  connection: Connection,
  { tenantId, notificationType }: StandingKey,
  now: Millis,
): Promise<EmailCounts & { readonly isPaused: boolean; readonly isAlerted: boolean }> {
  const { rows } = await connection.query({
    name: 'load-email-counts',
    text: `select coalesce(sum(c.ended), 0)::int as ended, coalesce(sum(c.bounced), 0)::int as bounced,
                  coalesce(sum(c.complained), 0)::int as complained,
                  coalesce(bool_or(s.paused_at is not null), false) as "isPaused",
                  coalesce(bool_or(s.alerted_at > $3), false) as "isAlerted"
           from email_counts as c
           left join email_standings as s on s.tenant_id = $1 and s.notification_type = $2
           where c.tenant_id = $1 and c.notification_type = $2 and c.hour > $3 and (s.resumed_at is null or c.hour > s.resumed_at)`,
    values: [tenantId, notificationType, isoTime(now - STANDING_WINDOW_MS)],
  });
  return rows[0];
}

/** Emails of a type whose end a send reported. */
export interface EmailEnd extends StandingKey {
  readonly ended: number;
  readonly bounced: number;
  /** Settlement of the one that bounced; absent: several that were accepted. */
  readonly settlement?: Pick<ClaimedDelivery, 'tenantId' | 'notificationId' | 'channel' | 'target' | 'fence'>;
}

/** Counts emails; two transactions do not wait for each other. */
export async function countEmails(connection: Connection, ends: readonly EmailEnd[], now: Millis): Promise<void> {
  const sums = new Map<string, EmailEnd>();
  for (const { tenantId, notificationType, ended, bounced } of ends) {
    const key = `${tenantId} ${notificationType}`;
    const known = sums.get(key) ?? { tenantId, notificationType, ended: 0, bounced: 0 };
    sums.set(key, { ...known, ended: known.ended + ended, bounced: known.bounced + bounced });
  }
  const draw = Math.random();
  const sorted = [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [, end] of sorted) await countEmail(connection, end, { ...end, complained: 0 }, now, draw);
}

/**
 * Notes that emails bounce or are complained about too often, with an entry of the audit log. Returns whether it did: paused ones stay
 * paused.
 */
export async function saveEmailStanding(
  connection: Connection,
  { tenantId, notificationType, alertedAt, pausedAt, cause }: EmailStanding,
  actor: Actor,
): Promise<boolean> {
  const { rows } = await connection.query(
    `insert into email_standings as s (tenant_id, notification_type, alerted_at, paused_at, cause) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, notification_type) do update
     set alerted_at = excluded.alerted_at, paused_at = excluded.paused_at, cause = excluded.cause
     where s.paused_at is null
     returning 1`,
    [tenantId, notificationType, isoTime(alertedAt), pausedAt === null ? null : isoTime(pausedAt), cause],
  );
  if (rows.length === 0) return false;
  const action = pausedAt === null ? 'email.alerted' : 'email.paused';
  const entry = { tenantId, actor, action, subject: notificationType || 'all types', detail: { cause } };
  await appendAuditEntry(connection, entry, alertedAt);
  return true;
}

/** Lets emails of a type, or those of all types, be sent again. Returns whether they were paused or in question. */
export async function resumeEmails(
  connection: Connection,
  { tenantId, notificationType }: StandingKey,
  actor: Actor,
  now: Millis,
): Promise<boolean> {
  const { rows } = await connection.query(
    `update email_standings set alerted_at = null, paused_at = null, resumed_at = $3
     where tenant_id = $1 and notification_type = $2 and alerted_at is not null returning cause`,
    [tenantId, notificationType, isoTime(now)],
  );
  if (rows.length === 0) return false;
  const entry = { tenantId, actor, action: 'email.resumed', subject: notificationType || 'all types', detail: rows[0] };
  await appendAuditEntry(connection, entry, now);
  return true;
}

/** Standings that are returned, at most. */
const MAX_STANDINGS = 1000;

/**
 * Returns the tenants and types that are paused, or were alerted within the window, the latest first, at most MAX_STANDINGS.
 * @param tenantId null: of all tenants
 */
export async function listEmailStandings(
  connection: Connection,
  tenantId: string | null,
  now: Millis,
): Promise<EmailStanding[]> {
  const { rows } = await connection.query<EmailStanding>(
    `select tenant_id as "tenantId", notification_type as "notificationType", alerted_at as "alertedAt", paused_at as "pausedAt", cause
     from email_standings
     where ${tenantId === null ? '' : 'tenant_id = $2 and'} alerted_at is not null and (paused_at is not null or alerted_at > $1)
     order by alerted_at desc limit ${MAX_STANDINGS}`,
    [isoTime(now - STANDING_WINDOW_MS), ...(tenantId === null ? [] : [tenantId])],
  );
  return rows;
}

/** Types whose counts are returned, at most. */
const MAX_COUNTED_TYPES = 100;

/** Returns the emails of the latest window by type, an empty type (all of them) first, then those with the most bounces and complaints. */
export async function listEmailCounts(
  connection: Connection,
  tenantId: string,
  now: Millis,
): Promise<(EmailCounts & { readonly notificationType: string })[]> {
  const { rows } = await connection.query(
    `select c.notification_type as "notificationType", sum(c.ended)::int as ended, sum(c.bounced)::int as bounced,
            sum(c.complained)::int as complained
     from email_counts as c left join email_standings as s using (tenant_id, notification_type)
     where c.tenant_id = $1 and c.hour > $2 and (s.resumed_at is null or c.hour > s.resumed_at)
     group by 1 order by c.notification_type <> '', sum(c.bounced) + sum(c.complained) desc, sum(c.ended) desc, 1
     limit ${MAX_COUNTED_TYPES + 1}`,
    [tenantId, isoTime(now - STANDING_WINDOW_MS)],
  );
  return rows;
}

/** Tenants and types whose pause is kept in memory, at most. */
const MAX_PAUSES = 10_000;

/** Returns the tenants and types whose emails are paused, at most MAX_PAUSES. */
export async function listEmailPauses(connection: Connection): Promise<StandingKey[]> {
  const { rows } = await connection.query<StandingKey>(
    `select tenant_id as "tenantId", notification_type as "notificationType" from email_standings
     where paused_at is not null order by tenant_id limit ${MAX_PAUSES}`,
  );
  return rows;
}
