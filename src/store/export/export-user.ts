import type pg from 'pg';
import { TAR_END, toTarEntry } from '../../lib/tar.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { revealAddresses } from '../members/reveal.ts';
import { listMergedInto } from '../merge/merged-users.ts';
import { loadPlanUsers } from '../terms.ts';
import { loadProfile, loadTraits } from '../users.ts';
import { EXPORTED_ROWS, type ExportedRows, type StoredRow } from './exported-rows.ts';

/** Rows that are in memory at once: each has up to some megabytes. */
const FETCHED_ROWS = 50;

/** Bytes of a file of the archive, roughly: a list is split into files, because a header says the size of its file. */
const FILE_BYTES = 1024 * 1024;

/** The user to export. */
export interface ExportRequest {
  readonly tenantId: string;
  readonly userId: string;
  readonly now: Millis;
}

/**
 * Yields a tar archive of everything about a user, from one snapshot, with a file in memory at a time. Nothing is masked. A
 * list has files of FILE_BYTES, each of whole lines.
 */
export async function* exportUser(pool: pg.Pool, seal: Seal, request: ExportRequest): AsyncGenerator<Buffer> {
  const { now } = request;
  const connection = await pool.connect();
  let isEnded = false;
  try {
    await connection.query('begin isolation level repeatable read read only');
    yield toTarEntry('README.txt', Buffer.from(README), now);
    const merged = await listMergedInto(connection, request.tenantId, request.userId);
    const user = { ...(await loadUser(connection, seal, request)), merged_ids: merged };
    yield toTarEntry('user.json', Buffer.from(`${JSON.stringify(user, null, 2)}\n`), now);
    for (const list of EXPORTED_ROWS) {
      let number = 0;
      for await (const file of toFiles(
        readRows(connection, seal, request.tenantId, [request.userId, ...merged], list),
      )) {
        number++;
        yield toTarEntry(`${list.name}/${String(number).padStart(6, '0')}.ndjson`, file, now);
      }
    }
    await connection.query('commit');
    isEnded = true;
    yield TAR_END;
  } finally {
    // A caller who has gone leaves a transaction that is open.
    connection.release(!isEnded);
  }
}

async function loadUser(
  connection: pg.PoolClient,
  seal: Seal,
  { tenantId, userId, now }: ExportRequest,
): Promise<JsonObject> {
  // These functions only ask queries.
  const pool = connection as unknown as pg.Pool;
  const profile = await loadProfile(pool, tenantId, userId);
  const addresses = await revealAddresses(pool, seal, tenantId, userId);
  const [known] = await loadPlanUsers(pool, [{ tenantId, userId }]);
  // Consents have a list of their own.
  const { k: _, ...preferences } = known?.terms ?? {};
  return {
    user_id: userId,
    exported_at: isoTime(now),
    ...(profile && { first_seen_at: profile.first_seen_at, updated_at: profile.updated_at }),
    traits: await loadTraits(pool, seal, tenantId, userId),
    addresses: (addresses ?? null) as JsonObject | null,
    preferences: preferences as unknown as JsonObject,
  };
}

async function* readRows(
  connection: pg.PoolClient,
  seal: Seal,
  tenantId: string,
  userIds: readonly string[],
  { name, query, open }: ExportedRows,
): AsyncGenerator<string> {
  await connection.query(`declare exported_${name} no scroll cursor for ${query}`, [tenantId, userIds]);
  for (;;) {
    const { rows } = await connection.query<StoredRow>(`fetch ${FETCHED_ROWS} from exported_${name}`);
    for (const row of rows) yield `${JSON.stringify(open(seal, tenantId, row))}\n`;
    if (rows.length < FETCHED_ROWS) break;
  }
  await connection.query(`close exported_${name}`);
}

async function* toFiles(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let file: string[] = [];
  let size = 0;
  for await (const line of lines) {
    file.push(line);
    size += line.length;
    if (size < FILE_BYTES) continue;
    yield Buffer.from(file.join(''));
    file = [];
    size = 0;
  }
  if (file.length > 0) yield Buffer.from(file.join(''));
}

const README = `Everything that Tidings stores about one user, as it was at one moment.

user.json      traits, addresses, and preferences: what the user said about messages; merged_ids: users
               that were merged into this one, whose rows are in the folders too
events/        what was reported about the user, with the decisions of rules
waits/         rules that waited, or wait, with their decisions
notifications/ messages that were decided, with the values for their templates
deliveries/    each notification on each channel, with its status
attempts/      calls to providers that did not succeed at once
receipts/      what providers reported
messages/      messages as they were sent
inbox/         messages in the app
batches/       lines of batches that named the user, with their results
lists/         lists that the user is a member of
consents/      consents that were granted or withdrawn, with their evidence
verifications/ codes that were sent to addresses, and when they were verified
devices/       devices for push messages, their tokens masked
limit_uses/    messages that count towards a limit
suppressions/  why an address gets no messages
audit/         changes by operators that are about the user

The files of a folder follow each other; each line is a JSON object. Times are ISO 8601.
`;
