import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { TidingsError } from '../../errors.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import type { Seal } from '../../privacy/seal.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { appendLines, loadBatch } from '../../store/batches/batches.ts';
import type { NewLine } from '../../store/batches/recipients.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { noBatch } from './commands.ts';
import { type LineContext, MAX_LINE_BYTES, parseLine } from './parse-line.ts';
import { splitLines } from './split-lines.ts';

/** Lines of a batch, at most. */
export const MAX_BATCH_LINES = 1_000_000;
/** Lines of one request, at most: a request must be complete within a minute. */
export const MAX_UPLOAD_LINES = 100_000;
/** Lines that are stored by one transaction, and their bytes. */
const CHUNK_LINES = 1000;
const CHUNK_BYTES = 1024 * 1024;
/** Errors that an answer lists, at most; the results of the batch have all of them. */
const MAX_LISTED_ERRORS = 1000;

export interface UploadParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
}

export interface UploadCommand {
  readonly tenantId: string;
  readonly batchId: string;
  readonly actor: Actor;
  /** The line that the body begins with. Lines that are stored already are passed over. */
  readonly offset: number;
}

/** A line that was stored and will not be asked for. */
export interface LineError {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface UploadResult {
  /** Errors of this upload, the first of them. */
  readonly errors: readonly LineError[];
  readonly summary: {
    /** The line that the next upload begins with: the number of lines that the batch has. */
    readonly offset: number;
    /** Lines that were stored now, those without a recipient included. */
    readonly stored: number;
    /** Lines that were stored before. */
    readonly known: number;
    readonly rejected: number;
    readonly empty: number;
  };
}

/**
 * Takes lines in as they arrive, a chunk at a time: no more is read while a chunk is being stored. What is stored stays, also
 * if the upload breaks off; the next one goes on from there.
 * @throws TidingsError `wrong_offset` if lines are missing before the first, `wrong_batch_state` if the batch was started
 */
export async function uploadLines(
  parts: UploadParts,
  command: UploadCommand,
  body: AsyncIterable<Buffer>,
): Promise<UploadResult> {
  const { offset } = command;
  const context = await prepare(parts, command);
  const counted = { line: offset, known: 0, stored: 0, rejected: 0, empty: 0 };
  const errors: LineError[] = [];
  let chunk: NewLine[] = [];
  let bytes = 0;
  const flush = async () => {
    if (chunk.length === 0) return;
    await storeChunk(parts, command, counted.line - chunk.length, chunk);
    counted.stored += chunk.length;
    chunk = [];
    bytes = 0;
  };
  try {
    for await (const line of splitLines(body, MAX_LINE_BYTES)) {
      if (counted.line - offset >= MAX_UPLOAD_LINES || counted.line >= MAX_BATCH_LINES) {
        await flush();
        throw tooManyLines(counted.line);
      }
      if (counted.line < context.lines) {
        counted.line++;
        counted.known++;
        continue;
      }
      const parsed = parseLine(context, counted.line, line);
      if (parsed.state === 'empty') counted.empty++;
      if (parsed.state === 'rejected') {
        counted.rejected++;
        const { code, reason } = parsed;
        if (errors.length < MAX_LISTED_ERRORS)
          errors.push({ line: counted.line, code: `${code}`, message: `${reason}` });
      }
      counted.line++;
      chunk.push(parsed);
      bytes += line?.length ?? 0;
      if (chunk.length >= CHUNK_LINES || bytes >= CHUNK_BYTES) await flush();
    }
    await flush();
  } finally {
    await auditUpload(parts, command, counted);
  }
  const { stored, known, rejected, empty } = counted;
  return { errors, summary: { offset: Math.max(counted.line, context.lines), stored, known, rejected, empty } };
}

/** Leaves an entry for the lines that are stored, also of an upload that breaks off. */
async function auditUpload(
  { pool, clock }: UploadParts,
  { tenantId, batchId, offset, actor }: UploadCommand,
  { stored, known, rejected, empty }: UploadCounts,
): Promise<void> {
  if (stored === 0) return;
  const detail = { offset: offset + known, lines: stored, rejected, empty };
  const entry = { tenantId, actor, action: 'batch.recipients_added', subject: batchId, detail };
  await appendAuditEntry(pool, entry, clock());
}

interface UploadCounts {
  readonly stored: number;
  readonly known: number;
  readonly rejected: number;
  readonly empty: number;
}

async function prepare(
  { pool, catalogs, seal }: UploadParts,
  { tenantId, batchId, offset }: UploadCommand,
): Promise<LineContext & { readonly lines: number }> {
  const batch = await loadBatch(pool, tenantId, batchId);
  if (!batch) throw noBatch();
  if (batch.state !== 'draft') throw notDraft(batch.state);
  if (offset > batch.lines) throw wrongOffset(offset, batch.lines);
  const { rules } = await catalogs.getActive(tenantId);
  const { type, variables } = batch.request as { readonly type: string; readonly variables?: JsonObject };
  return { tenantId, batchId, seal, lines: batch.lines, planned: rules.planned.get(type), variables: variables ?? {} };
}

/**
 * Stores lines from this one on, with their counts, in one transaction.
 * @throws TidingsError `wrong_offset` if another upload was quicker, `wrong_batch_state`
 */
async function storeChunk(
  { pool }: UploadParts,
  { tenantId, batchId }: UploadCommand,
  first: number,
  lines: readonly NewLine[],
): Promise<void> {
  await withTransaction(pool, async (connection) => {
    const batch = await loadBatch(connection, tenantId, batchId, true);
    if (!batch) throw noBatch();
    if (batch.state !== 'draft') throw notDraft(batch.state);
    if (batch.lines !== first) throw wrongOffset(first, batch.lines);
    await appendLines(connection, tenantId, batch, lines);
  });
}

function notDraft(state: string): TidingsError {
  return new TidingsError('wrong_batch_state', `The batch is ${state}; only a draft takes recipients in.`);
}

function wrongOffset(offset: number, lines: number): TidingsError {
  const message = `The upload goes on at line ${offset}, but the batch has ${lines} lines; send it from offset=${lines} on.`;
  return new TidingsError('wrong_offset', message, { pointer: 'offset' });
}

function tooManyLines(line: number): TidingsError {
  const message =
    line >= MAX_BATCH_LINES
      ? `A batch has at most ${MAX_BATCH_LINES} lines; the further ones were not stored. Make another batch for them.`
      : `A request has at most ${MAX_UPLOAD_LINES} lines; the first ones are stored. Go on with offset=${line}.`;
  return new TidingsError('payload_too_large', message);
}
