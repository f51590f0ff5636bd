import type { Pipeline } from '../../ingest/pipeline.ts';
import type { EventResult } from '../../ingest/results.ts';
import { isReading, sumCounts } from '../../model/batch.ts';
import type { Channel } from '../../model/delivery.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { DROP_CODES } from '../../model/plan-codes.ts';
import { selectChannels } from '../../plan/plan.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { type LineResult, loadLines, type PendingLine } from '../../store/batches/recipients.ts';
import { type ForetellParts, foretell } from '../foretell.ts';
import type { GivenAddress } from '../resolve-recipients.ts';
import { findUsers, toEvent, toLineResult } from './ask-page.ts';
import { sampleAudience } from './audience.ts';
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
  /** Recipients that no message would reach as things are now, by the reason code of the first channel. They are not in `reach`. */
  readonly unreachable: { readonly [code: string]: number };
  /** Recipients by reason code who would get none. */
  readonly dropped: { readonly [code: string]: number };
  readonly rejected: { readonly [code: string]: number };
}

/** A recipient of the sample who would get a message. */
export interface ReachedRecipient {
  readonly userId: string;
  /** The address that the line names; absent: it names a user. */
  readonly given: GivenAddress | undefined;
  readonly variables: JsonObject;
  /** The channels of the message, without those that are dropped or folded; of some that are tried in turn the first. */
  readonly channels: readonly Channel[];
}

/** An estimate with the part of its sample that gets messages. */
export interface EstimatedBatch {
  readonly estimate: BatchEstimate;
  readonly reached: readonly ReachedRecipient[];
  /** By what a number of the sample is multiplied. */
  readonly factor: number;
}

/** Decides a sample of a batch by the functions that decide everything, and stores nothing. */
export async function estimateBatch(
  { pipeline, ...parts }: BatchParts & ForetellParts & { readonly pipeline: Pick<Pipeline, 'preview'> },
  tenantId: string,
  batch: StoredBatch,
  sealed: Buffer | null,
): Promise<EstimatedBatch> {
  const { pool, seal, clock, catalogs } = parts;
  const now = clock();
  const sample = await drawSample(parts, tenantId, batch, now);
  const asked = { tenantId, batch, request: openRequest(seal, tenantId, batch, sealed) };
  const { found, others } = await findUsers({ pool, seal }, asked, sample.lines);
  const seen = new Set<string>();
  const first = found.filter(({ userId }) => !seen.has(userId) && seen.add(userId));
  const results = await pipeline.preview(
    tenantId,
    first.map((line) => toEvent(asked, line, now)),
  );
  const decided = first.map(({ line }, place) => toLineResult(line, results[place] as EventResult));
  const factor = sample.isWhole || sample.lines.length === 0 ? 1 : sample.pending / sample.lines.length;
  const scale = (count: number) => Math.round(count * factor);
  const all = [...others, ...decided];
  const { rules } = await catalogs.getActive(tenantId);
  const type = rules.notifications.get(asked.request.type);
  const { channels, variables = {} } = asked.request;
  const away = type && (await foretell(parts, { tenantId, type, channels, policy: rules.policy, now }, first));
  const reached: ReachedRecipient[] = [];
  const unreachable: string[] = [];
  const dropped: string[] = [];
  let held = 0;
  for (const [place, { userId, given, variables: own }] of first.entries()) {
    const result = results[place] as EventResult;
    if (!isReached(decided[place] as LineResult)) continue;
    const planned = findLeft(type && selectChannels(type, channels), result);
    const left = planned.filter((channel) => !away?.[place]?.has(channel));
    const [lost] = planned.filter((channel) => !left.includes(channel));
    if (left.length === 0 && lost !== undefined) {
      const code = away?.[place]?.get(lost)?.reasonCode as string;
      ((DROP_CODES as readonly string[]).includes(code) ? dropped : unreachable).push(code);
      continue;
    }
    if (isHeld(result)) held++;
    reached.push({
      ...{ userId, given, variables: { ...variables, ...own } },
      channels: type?.firstOf ? left.slice(0, 1) : left,
    });
  }
  return {
    estimate: {
      pending: sample.pending,
      sampled: sample.lines.length,
      exact: sample.isWhole,
      reach: scale(reached.length),
      held: scale(held),
      duplicate: scale(found.length - first.length),
      unreachable: countCodes(unreachable, scale),
      dropped: countCodes([...codesOf(all, 'dropped'), ...dropped], scale),
      rejected: countCodes(codesOf(all, 'rejected'), scale),
    },
    reached,
    factor,
  };
}

/** Pending recipients of a batch, evenly over its lines and its audience. */
interface Sample {
  readonly lines: readonly PendingLine[];
  /** Number of those that are pending, about. */
  readonly pending: number;
  readonly isWhole: boolean;
}

async function drawSample(parts: BatchParts, tenantId: string, batch: StoredBatch, now: Millis): Promise<Sample> {
  const { pool, seal, catalogs } = parts;
  const { batchId, lines, nextLine, source } = batch;
  const left = lines - nextLine;
  const share = source && isReading(source) && left > 0 ? MAX_SAMPLE / 2 : MAX_SAMPLE;
  const size = Math.min(left, share);
  const audience = source
    ? await sampleAudience({ pool, seal, catalogs }, { tenantId, source, now }, MAX_SAMPLE - size)
    : { users: 0, userIds: [], isWhole: true };
  // As many of each as there are.
  const total = left + audience.users;
  const most = total === 0 ? 0 : Math.ceil((left * (size + audience.userIds.length)) / total);
  const count = audience.isWhole && size === left ? size : Math.min(size, most);
  const places = Array.from({ length: count }, (_, n) => nextLine + Math.floor((n * left) / count));
  const stored = await loadLines(pool, tenantId, batchId, places);
  const added = audience.userIds.map((userId, n) => ({ line: lines + n, userId, addressHash: null, sealed: null }));
  return {
    lines: [...stored, ...added],
    pending: lines - sumCounts(batch.counts) + audience.users,
    isWhole: count === left && audience.isWhole,
  };
}

function isReached({ state }: LineResult): boolean {
  return state === 'accepted' || state === 'scheduled' || state === 'folded';
}

/** Returns those of the channels by which a message goes at once or later. */
function findLeft(channels: readonly Channel[] = [], { decisions }: EventResult): readonly Channel[] {
  const plan = decisions.find(({ rule }) => rule === DIRECT_RULE)?.evidence.plan ?? [];
  const out = new Set(
    plan.flatMap(({ channel, verdict }) => (verdict === 'drop' || verdict === 'fold' ? [channel] : [])),
  );
  return channels.filter((channel) => !out.has(channel));
}

function isHeld({ decisions }: EventResult): boolean {
  const decision = decisions.find(({ rule }) => rule === DIRECT_RULE);
  const plan = decision?.evidence.plan;
  if (decision?.outcome !== 'send' || !plan) return false;
  return plan.some(({ verdict }) => verdict === 'hold') && plan.every(({ verdict }) => verdict !== 'go');
}

function codesOf(results: readonly LineResult[], state: LineResult['state']): string[] {
  return results.flatMap((one) => (one.state === state ? [one.code ?? 'other'] : []));
}

function countCodes(codes: readonly string[], scale: (count: number) => number): { readonly [code: string]: number } {
  const counts: { [code: string]: number } = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).map(([code, count]) => [code, scale(count)]));
}
