import type { Pipeline } from '../../ingest/pipeline.ts';
import type { EventResult } from '../../ingest/results.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { type LineResult, loadLines } from '../../store/batches/recipients.ts';
import { findUsers, toEvent, toLineResult } from './ask-page.ts';
import { type BatchParts, openRequest } from './commands.ts';

/** Pending recipients that are decided for an estimate, at most. */
const MAX_SAMPLE = 500;

/** Results that the pending recipients of a batch would have if they were asked for now. */
export interface BatchEstimate {
  /** Recipients who are pending. */
  readonly pending: number;
  /** Number of them that were decided, evenly over the lines. */
  readonly sampled: number;
  /** Whether all of them were; otherwise the numbers below are those of the sample, times `pending / sampled`. */
  readonly exact: boolean;
  /** Recipients who would get a message, now or later. */
  readonly reach: number;
  /** Number of these with every channel held. */
  readonly held: number;
  /** Recipients whose user occurs before, within the sample. */
  readonly duplicate: number;
  /** Recipients by reason code who would get none. */
  readonly dropped: { readonly [code: string]: number };
  readonly rejected: { readonly [code: string]: number };
}

/** Decides a sample of a batch by the functions that decide everything, and stores nothing. */
export async function estimateBatch(
  { pipeline, ...parts }: BatchParts & { readonly pipeline: Pick<Pipeline, 'preview'> },
  tenantId: string,
  batch: StoredBatch,
  sealed: Buffer | null,
): Promise<BatchEstimate> {
  const { pool, seal, clock } = parts;
  const { batchId, lines, nextLine } = batch;
  const known = Object.values(batch.counts).reduce((sum, count) => sum + count, 0);
  const pending = lines - known;
  const left = lines - nextLine;
  const size = Math.min(left, MAX_SAMPLE);
  const places = Array.from({ length: size }, (_, n) => nextLine + Math.floor((n * left) / size));
  const sample = await loadLines(pool, tenantId, batchId, places);
  const asked = { tenantId, batch, request: openRequest(seal, tenantId, batch, sealed) };
  const { found, others } = await findUsers(parts, asked, sample);
  const seen = new Set<string>();
  const first = found.filter(({ userId }) => !seen.has(userId) && seen.add(userId));
  const now = clock();
  const results = await pipeline.preview(
    tenantId,
    first.map((line) => toEvent(asked, line, now)),
  );
  const decided = first.map(({ line }, place) => toLineResult(line, results[place] as EventResult));
  const isExact = left <= MAX_SAMPLE;
  const scale = (count: number) =>
    isExact || sample.length === 0 ? count : Math.round((count * pending) / sample.length);
  const all = [...others, ...decided];
  const going = decided.filter(({ state }) => state === 'accepted' || state === 'scheduled');
  const held = results.filter(isHeld).length;
  return {
    pending,
    sampled: sample.length,
    exact: isExact,
    reach: scale(going.length),
    held: scale(held),
    duplicate: scale(found.length - first.length),
    dropped: countCodes(all, 'dropped', scale),
    rejected: countCodes(all, 'rejected', scale),
  };
}

function isHeld({ decisions }: EventResult): boolean {
  const decision = decisions.find(({ rule }) => rule === DIRECT_RULE);
  const plan = decision?.evidence.plan;
  if (decision?.outcome !== 'send' || !plan) return false;
  return plan.some(({ verdict }) => verdict === 'hold') && plan.every(({ verdict }) => verdict !== 'go');
}

function countCodes(
  results: readonly LineResult[],
  state: LineResult['state'],
  scale: (count: number) => number,
): { readonly [code: string]: number } {
  const counts: { [code: string]: number } = {};
  for (const one of results) {
    if (one.state !== state) continue;
    const code = one.code ?? 'other';
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([code, count]) => [code, scale(count)]));
}
