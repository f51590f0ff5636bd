import type pg from 'pg';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { OutboxKind, ParkedCode } from '../../model/sink.ts';
import { documentRow, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { type Columns, CopyRows } from '../pg/copy.ts';
import type { Statement } from '../pg/pipeline.ts';
import type { Connection } from '../pg/pool.ts';

/** Messages on their way to Kafka topics. */

/** The fact in the database up to which messages were looked at: transaction, tenant and topic. */
export const FOUND = 'outbox_found';

/** A worker that writes topics listens here. */
export const OUTBOX_CHANNEL = 'tidings_outbox';

/** A message of a batch. */
export interface NewMessage {
  /** With the topic its identity in the outbox. */
  readonly messageId: string;
  readonly topic: string;
  readonly kind: OutboxKind;
  readonly userId: string;
  readonly key: string | null;
  readonly isStructured: boolean;
  /** Type, id and time of the CloudEvent. */
  readonly type: string;
  readonly eventId: string;
  readonly at: Millis;
  /** The JSON text of its data, with addresses masked. */
  readonly dataText: string;
  /** The originals, if they differ. */
  readonly sealed: Buffer | null;
  readonly traceparent: string | null;
}

const COLUMNS: Columns = {
  tenant_id: 'text',
  message_id: 'uuid',
  topic: 'text',
  kind: 'text',
  user_id: 'text',
  key: 'text',
  is_structured: 'bool',
  type: 'text',
  event_id: 'text',
  at: 'time',
  data: 'text',
  sealed: 'bytea',
  traceparent: 'text',
  bytes: 'int4',
  created_at: 'time',
};

/** Returns the statement that writes messages, in their order. */
export function copyOutbox(tenantId: string, messages: readonly NewMessage[], now: Millis): Statement {
  const rows = new CopyRows('kafka_outbox', COLUMNS);
  for (const one of messages) {
    rows.add([
      tenantId,
      one.messageId,
      one.topic,
      one.kind,
      one.userId,
      one.key,
      one.isStructured,
      one.type,
      one.eventId,
      one.at,
      one.dataText,
      one.sealed,
      one.traceparent,
      Buffer.byteLength(one.dataText) + (one.sealed?.length ?? 0),
      now,
    ]);
  }
  return rows.statement();
}

/** A message that a source could not read, as its topic had it. */
export interface DeadLetter {
  /** The tenant whose catalog has the source. */
  readonly tenantId: string;
  /** The tenant whose message it was. */
  readonly forTenant: string;
  readonly topic: string;
  readonly messageId: string;
  /** Empty: no user is known. */
  readonly userId: string;
  /** Why, and where it was. */
  readonly data: JsonObject;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

/** A message as its topic had it, as it is sealed. */
export interface OriginalMessage {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export const DEAD_LETTER_TYPE = 'tidings.dead_letter';

/** Returns the statement that writes dead letters to their topics, as far as these are open. */
export function deadLetterStatement(seal: Seal, letters: readonly DeadLetter[], now: Millis): Statement {
  const base64 = (bytes: Buffer | null) => (bytes === null ? null : bytes.toString('base64'));
  const rows = letters.map(({ tenantId, forTenant, topic, messageId, userId, data, key, value, headers }) => {
    const original: OriginalMessage = {
      key: base64(key),
      value: base64(value),
      headers: headers.map(([name, one]) => [name, one.toString('base64')] as const),
    };
    const sealed = sealDocument(seal, JSON.stringify(original), documentRow('kafka_outbox', tenantId, messageId));
    return {
      ...{ t: tenantId, o: topic, m: messageId, u: userId, j: data, s: sealed.toString('base64'), b: sealed.length },
      ...(forTenant !== tenantId && { f: forTenant }),
    };
  });
  return { name: 'insert-dead-letters', text: INSERT_DEAD_LETTERS, values: [isoTime(now), JSON.stringify(rows)] };
}

const INSERT_DEAD_LETTERS = `
insert into kafka_outbox (tenant_id, for_tenant, message_id, topic, kind, user_id, type, event_id, at, data, sealed, bytes, created_at)
select t, f, m, o, 'dead_letter', u, '${DEAD_LETTER_TYPE}', m::text, $1, j, decode(s, 'base64'), b, $1
from json_to_recordset($2) as r(t text, f text, o text, m uuid, u text, j json, s text, b integer)
where exists (
  select from active_catalogs as a where a.tenant_id = r.t and r.o = any (a.open_topics) and a.open_until > $1)
on conflict do nothing`;

/** A message that waits. */
export interface WaitingMessage {
  readonly messageId: string;
  readonly kind: OutboxKind;
  readonly userId: string;
  readonly key: string | null;
  readonly isStructured: boolean;
  readonly type: string;
  readonly eventId: string;
  readonly at: string;
  readonly dataText: string;
  readonly sealed: Buffer | null;
  readonly traceparent: string | null;
  readonly bytes: number;
}

/**
 * Returns the first messages of a topic: those of transactions before which none is open. The first comes whatever its size.
 * @param maxBytes of all of them
 */
export async function readOutbox(
  pool: pg.Pool,
  { tenantId, topic }: { readonly tenantId: string; readonly topic: string },
  limit: number,
  maxBytes: number,
): Promise<WaitingMessage[]> {
  const { rows } = await pool.query({
    name: 'read-kafka-outbox',
    text: READ,
    values: [tenantId, topic, limit, maxBytes],
  });
  return rows.map((row) => ({
    messageId: row.message_id,
    kind: row.kind,
    userId: row.user_id,
    key: row.key,
    isStructured: row.is_structured,
    type: row.type,
    eventId: row.event_id,
    at: isoTime(row.at),
    dataText: row.data,
    sealed: row.sealed,
    traceparent: row.traceparent,
    bytes: row.bytes,
  }));
}

/** Bytes of the key and the headers of a message, roughly. */
const HEADER_BYTES = 400;

/**
 * The transaction before which nothing waits for a topic ($1, $2). Without it, a read visits the index entries of everything that
 * was ever sent, as long as an old snapshot (`pg_dump`) keeps PostgreSQL from removing them.
 */
export const SENT_XID = '(select sent_xid from kafka_topics where tenant_id = $1 and topic = $2)';

const READ = `
select message_id, kind, user_id, key, is_structured, type, event_id, at, data::text as data, sealed, traceparent, bytes
from (
  select *, sum(bytes + ${HEADER_BYTES}) over (order by xid, id rows between unbounded preceding and current row) as sum,
         row_number() over (order by xid, id) as n
  from (
    select * from kafka_outbox
    where tenant_id = $1 and topic = $2 and parked_at is null
      and xid >= ${SENT_XID} and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by xid, id limit $3
  ) as page
) as sized
where n = 1 or sum <= $4
order by n`;

/** Deletes messages that the brokers have acknowledged, before which none waits, and counts them. */
export async function deleteSent(
  pool: pg.Pool,
  { tenantId, topic }: { readonly tenantId: string; readonly topic: string },
  messageIds: readonly string[],
): Promise<void> {
  await pool.query({
    name: 'delete-kafka-outbox',
    text: `with gone as (
             delete from kafka_outbox where tenant_id = $1 and topic = $2 and message_id = any ($3::uuid[]) returning xid
           )
           update kafka_topics set published = published + (select count(*) from gone),
                  sent_xid = greatest(sent_xid, (select xid from gone order by xid desc limit 1)), failures = 0,
                  problem = null, problem_since = null, retry_at = '-infinity'
           where tenant_id = $1 and topic = $2`,
    values: [tenantId, topic, messageIds],
  });
}

/** Sets a message aside that the brokers never take, or that cannot be read. */
export async function parkMessage(
  pool: pg.Pool,
  { tenantId, topic }: { readonly tenantId: string; readonly topic: string },
  messageId: string,
  code: ParkedCode,
  now: Millis,
): Promise<void> {
  await pool.query({
    name: 'park-kafka-outbox',
    text: `update kafka_outbox set parked_at = $5, parked_code = $4
           where tenant_id = $1 and topic = $2 and message_id = $3 and parked_at is null`,
    values: [tenantId, topic, messageId, code, isoTime(now)],
  });
}

/** A message that was set aside, as shown. */
export interface ParkedView {
  readonly message_id: string;
  readonly event_id: string;
  readonly type: string;
  readonly user_id: string | null;
  readonly bytes: number;
  readonly code: ParkedCode;
  readonly parked_at: string;
  readonly recorded_at: string;
}

/** Messages of a topic that are listed, or moved by one command. */
export const MAX_PARKED = 1000;

/** Lists what was set aside of a topic, the earliest first. */
export async function listParked(connection: Pick<Connection, 'query'>, tenantId: string, topic: string) {
  const { rows } = await connection.query(
    `select message_id, event_id, type, user_id, bytes, parked_code, parked_at, created_at from kafka_outbox
     where tenant_id = $1 and topic = $2 and parked_at > '-infinity' order by parked_at, message_id limit ${MAX_PARKED}`,
    [tenantId, topic],
  );
  return rows.map(
    (row): ParkedView => ({
      message_id: row.message_id,
      event_id: row.event_id,
      type: row.type,
      user_id: row.user_id === '' ? null : row.user_id,
      bytes: row.bytes,
      code: row.parked_code,
      parked_at: isoTime(row.parked_at),
      recorded_at: isoTime(row.created_at),
    }),
  );
}

/** Actions on messages: those that were set aside are sent once more, or deleted; or those that wait are deleted as well. */
export type Release = 'retried' | 'discarded' | 'all_discarded';

/** Result of a command on messages. */
export interface Released {
  readonly messages: number;
  /** Messages that are left of those that the command was about, up to MAX_REMAINING. */
  readonly remaining: number;
  /** The time until which messages had to have been set aside; null: none was. A repetition with it goes on with the same ones. */
  readonly parkedUntil: Millis | null;
}

/** Messages that are left, as far as they are counted. */
export const MAX_REMAINING = 10_000;

/**
 * Has messages that were set aside sent once more, after what waits, or deletes messages, in the transaction of the caller: 1000 at
 * most, the earliest first.
 * @param until only what was set aside until then; null: all that is now. What is set aside once more afterwards is left as it is, so
 *   that repetitions end
 */
export async function releaseMessages(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  topic: string,
  release: Release,
  until: Millis | null,
): Promise<Released> {
  const { rows } = await connection.query<{ until: Millis | null }>(
    `select coalesce($3::timestamptz, (
       select max(parked_at) from kafka_outbox where tenant_id = $1 and topic = $2 and parked_at > '-infinity')) as until`,
    [tenantId, topic, isoTimeOrNull(until)],
  );
  const parkedUntil = rows[0]?.until ?? null;
  const queues: readonly MessageQueue[] = [
    ...(parkedUntil === null ? [] : [{ ...PARKED, values: [isoTime(parkedUntil)] }]),
    ...(release === 'all_discarded' ? [WAITING] : []),
  ];
  let messages = 0;
  let remaining = 0;
  for (const queue of queues) {
    messages += await releaseSome(connection, tenantId, topic, queue, release, MAX_PARKED - messages);
    remaining += await countSome(connection, tenantId, topic, queue, MAX_REMAINING - remaining);
  }
  return { messages, remaining, parkedUntil };
}

/** Messages of a topic that a command is about. */
interface MessageQueue {
  readonly where: string;
  readonly order: string;
  /** The parameters of `where`, from $4 on. */
  readonly values: readonly string[];
}

const PARKED = { where: `parked_at > '-infinity' and parked_at <= $4`, order: 'parked_at, message_id' };
const WAITING: MessageQueue = { where: `parked_at is null and xid >= ${SENT_XID}`, order: 'xid, id', values: [] };

async function countSome(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  topic: string,
  { where, values }: MessageQueue,
  limit: number,
): Promise<number> {
  const { rows } = await connection.query<{ n: number }>(
    `select count(*)::int as n from (
       select from kafka_outbox where tenant_id = $1 and topic = $2 and ${where} limit $3) as found`,
    [tenantId, topic, limit, ...values],
  );
  return rows[0]?.n ?? 0;
}

async function releaseSome(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  topic: string,
  { where, order, values }: MessageQueue,
  release: Release,
  limit: number,
): Promise<number> {
  if (limit === 0) return 0;
  const { rows } = await connection.query<{ message_id: string }>(
    `select message_id from kafka_outbox where tenant_id = $1 and topic = $2 and ${where} order by ${order} limit $3 for update`,
    [tenantId, topic, limit, ...values],
  );
  if (rows.length === 0) return 0;
  // By their whole key: under row-level security, a join finds them by the tenant alone.
  const chosen = 'tenant_id = $1 and message_id = any ($3::uuid[]) and topic = $2';
  const { rowCount } = await connection.query(
    release === 'retried'
      ? `update kafka_outbox set parked_at = null, parked_code = null, xid = pg_current_xact_id() where ${chosen}`
      : `delete from kafka_outbox where ${chosen}`,
    [tenantId, topic, rows.map((row) => row.message_id)],
  );
  return rowCount ?? 0;
}

/**
 * Gives messages of another database the first places, in their order: its transactions say nothing here.
 * @param tenants null: all
 */
export async function renumberOutbox(
  connection: Pick<Connection, 'query'>,
  tenants: readonly string[] | null,
): Promise<void> {
  await connection.query(
    `update kafka_outbox as o set xid = '0', id = r.n
     from (select tenant_id, message_id, topic, row_number() over (order by xid, id) as n from kafka_outbox
           where $1::text[] is null or tenant_id = any ($1)) as r
     where o.tenant_id = r.tenant_id and o.message_id = r.message_id and o.topic = r.topic`,
    [tenants],
  );
  await connection.query(
    `update kafka_topics set sent_xid = '0', ready_xid = null, measure_at = '-infinity' where $1::text[] is null or tenant_id = any ($1)`,
    [tenants],
  );
  await connection.query(
    `insert into kafka_topics (tenant_id, topic, ready_xid)
     select distinct tenant_id, topic, '0'::xid8 from kafka_outbox
     where parked_at is null and ($1::text[] is null or tenant_id = any ($1))
     on conflict (tenant_id, topic) do update set ready_xid = '0'`,
    [tenants],
  );
}

/** Gives the messages the first places if some of them are of transactions of another database, as after a logical copy. */
export async function renumberForeign(pool: pg.Pool): Promise<void> {
  await pool.query(
    `update kafka_topics as k set sent_xid = '0'
     where sent_xid >= pg_snapshot_xmax(pg_current_snapshot())
       or exists (select from kafka_outbox as o where o.tenant_id = k.tenant_id and o.topic = k.topic and o.parked_at is null
                    and o.xid < k.sent_xid)`,
  );
  await pool.query(
    `update kafka_topics set ready_xid = '0', measure_at = '-infinity' where ready_xid >= pg_snapshot_xmax(pg_current_snapshot())`,
  );
  await pool.query(
    `delete from metadata where name = $1 and (value::json ->> 0)::xid8 >= pg_snapshot_xmax(pg_current_snapshot())`,
    [FOUND],
  );
  const { rows } = await pool.query<{ tenant_id: string }>(
    `select distinct tenant_id from kafka_topics as k
     where exists (select from kafka_outbox as o where o.tenant_id = k.tenant_id and o.topic = k.topic and o.parked_at is null
                     and o.xid >= pg_snapshot_xmax(pg_current_snapshot()))`,
  );
  const tenants = rows.map(({ tenant_id: tenantId }) => tenantId);
  if (tenants.length > 0) await renumberOutbox(pool, tenants);
}
