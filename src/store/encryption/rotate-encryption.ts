import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import type { Seal } from '../../privacy/seal.ts';
import { appendAuditEntryOfAll } from '../audit-log.ts';
import { deleteFact, loadFact, saveEncryptionKey, saveFact, saveHashKey } from '../metadata.ts';
import { isTransient, isUnreachable } from '../pg/errors.ts';
import {
  countUnderOtherKeys,
  type ResealedPage,
  resealPage,
  SEALED_TABLES,
  type SealedTable,
} from './sealed-tables.ts';

/** Progress of a rotation; counts are of the whole rotation, earlier runs that were interrupted included. */
export interface RotationProgress {
  /** The table under way; null at the end. */
  readonly table: string | null;
  /** Number of the pass over all tables, from 1. The last one finds nothing to do. */
  readonly pass: number;
  /** Rows looked at. */
  readonly rows: number;
  readonly resealed: number;
  /** Rows of the latest pass that no key opens; they stay as they are. */
  readonly unreadable: number;
}

/** Stored between two pages, so that an interrupted rotation continues where it was. */
interface RotationState extends RotationProgress {
  readonly to: string;
  /** Index of the table, and the primary key of its last row that was done. */
  readonly tableIndex: number;
  readonly cursor: readonly string[] | null;
  /** Rows resealed in this pass. */
  readonly inPass: number;
}

const STATE = 'key_rotation';

/**
 * A pass that finds rows under an older key means that a process sealed some meanwhile. After so many passes of one run, one
 * still does.
 */
const MAX_PASSES = 5;

/** Times that a page is tried which fails because of what other sessions do, such as a deadlock with an ingest; and the pause. */
const MAX_PAGE_TRIES = 20;
const PAGE_PAUSE_MS = 100;

/** Key of the advisory lock that lets one rotation run at a time; any constant. */
const ROTATION_LOCK_KEY = 7_318_225;

/**
 * Seals everything that is sealed under another key again, under the first key of the seal, page by page. Other processes go
 * on meanwhile. Ends with a pass over all tables that finds nothing, of one run, and a look at all of them after it; then it
 * records the key as that of the database, and the rotation in the audit log of each live tenant: from then on the other keys can
 * be dropped. If it is interrupted, the next call
 * continues, and proves the end by a pass of its own.
 *
 * @param onProgress called after each page
 * @throws ConfigError if another rotation runs, or other processes still seal under another key
 */
export async function rotateEncryption(
  pool: pg.Pool,
  seal: Seal,
  onProgress: (progress: RotationProgress) => void,
): Promise<RotationProgress> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query('select pg_try_advisory_lock($1) as locked', [ROTATION_LOCK_KEY]);
    if (!rows[0]?.locked) throw new ConfigError('another process rotates the encryption key at the moment');
    await saveHashKey(connection, seal);
    let state = await loadState(connection, seal.keyId);
    const lastPass = state.pass + MAX_PASSES - 1;
    while (state.tableIndex < SEALED_TABLES.length) {
      state = await runPage(connection, seal, state, lastPass);
      await saveFact(connection, STATE, JSON.stringify(state));
      onProgress(state);
    }
    await complete(connection, seal);
    return state;
  } finally {
    // Closed, because its lock belongs to the session.
    connection.release(true);
  }
}

/** Records the key and the rotation, in one transaction. */
async function complete(connection: pg.PoolClient, seal: Seal): Promise<void> {
  await connection.query('begin');
  await saveEncryptionKey(connection, seal);
  await deleteFact(connection, STATE);
  const { rows } = await connection.query<{ now: Millis }>('select clock_timestamp() as now');
  const actor = systemActor('keys rotate-encryption', 'cli');
  const entry = { actor, action: 'encryption_key.rotated', detail: { key_id: seal.keyId } };
  await appendAuditEntryOfAll(connection, entry, rows[0]?.now ?? 0);
  await connection.query('commit');
}

async function loadState(connection: pg.PoolClient, to: string): Promise<RotationState> {
  const stored = await loadFact(connection, STATE);
  const state = stored === undefined ? undefined : (JSON.parse(stored) as RotationState);
  // Rows that an earlier run has looked at may have changed since: the pass that it began proves nothing.
  if (state?.to === to) return { ...state, inPass: Math.max(1, state.inPass) };
  const first = SEALED_TABLES[0]?.name ?? null;
  return { to, pass: 1, tableIndex: 0, cursor: null, inPass: 0, table: first, rows: 0, resealed: 0, unreadable: 0 };
}

/** Does one page of a table, again if other sessions are in its way. */
async function resealWithRetry(
  connection: pg.PoolClient,
  seal: Seal,
  table: SealedTable,
  cursor: readonly string[] | null,
): Promise<ResealedPage> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await resealPage(connection, seal, table, cursor);
    } catch (error) {
      if (attempt >= MAX_PAGE_TRIES || !isTransient(error) || isUnreachable(error)) throw error;
      await delay(PAGE_PAUSE_MS);
    }
  }
}

/** Returns how many rows are under another key after a pass, beside those that no key opens. */
async function countLeft(connection: pg.PoolClient, seal: Seal, unreadable: number): Promise<number> {
  let count = 0;
  for (const table of SEALED_TABLES) count += await countUnderOtherKeys(connection, seal, table);
  return Math.max(0, count - unreadable);
}

/** Does one page, and returns the state after it. @param lastPass number of the last pass of this run */
async function runPage(
  connection: pg.PoolClient,
  seal: Seal,
  state: RotationState,
  lastPass: number,
): Promise<RotationState> {
  const table = SEALED_TABLES[state.tableIndex];
  if (!table) return state;
  const page = await resealWithRetry(connection, seal, table, state.cursor);
  const counted = {
    ...state,
    rows: state.rows + page.rows,
    resealed: state.resealed + page.resealed,
    inPass: state.inPass + page.resealed,
    unreadable: state.unreadable + page.unreadable,
    cursor: page.cursor,
  };
  if (page.cursor !== null) return counted;
  const next = SEALED_TABLES[state.tableIndex + 1];
  if (next) return { ...counted, tableIndex: state.tableIndex + 1, table: next.name };
  // A table may have got rows under another key after the pass had looked at it.
  if (counted.inPass === 0 && (await countLeft(connection, seal, counted.unreadable)) === 0)
    return { ...counted, tableIndex: SEALED_TABLES.length, table: null };
  if (state.pass >= lastPass) {
    await deleteFact(connection, STATE);
    throw new ConfigError(
      `after ${MAX_PASSES} passes there is still data under another key than ${seal.keyId}, because a process seals under it: ` +
        'put the new key first in TIDINGS_ENCRYPTION_KEY of every process, restart them, and run this again',
    );
  }
  const table0 = SEALED_TABLES[0]?.name ?? null;
  return { ...counted, pass: state.pass + 1, tableIndex: 0, table: table0, inPass: 0, unreadable: 0 };
}
