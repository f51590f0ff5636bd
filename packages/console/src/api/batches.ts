import type { Batch, BatchEstimate, BatchPage, BatchRequest, BatchResultPage } from '@tidings/client/types';
import { buildQuery, callApi, putLines } from './call.ts';
import type { RecipientState } from './types.ts';

/** Returns a page of 50 batches, newest first. `after`: as for `getAudit`. */
export const getBatches = (after: string | null): Promise<BatchPage> =>
  callApi(`batches?${buildQuery({ limit: '50', after })}`);

export const getBatch = (id: string): Promise<Batch> => callApi(`batches/${encodeURIComponent(id)}`);

/** Says what would become of the pending recipients of a batch. Takes some seconds for a large one. */
export const getBatchEstimate = (id: string): Promise<BatchEstimate> =>
  callApi(`batches/${encodeURIComponent(id)}/estimate`);

/** Returns a page of 50 results of the lines of a batch, in their order. `state` null: of every state. */
export const getBatchResults = (
  id: string,
  state: RecipientState | null,
  after: string | null,
): Promise<BatchResultPage> =>
  callApi(`batches/${encodeURIComponent(id)}/results?${buildQuery({ limit: '50', state, after })}`);

/** Starts, pauses, resumes or cancels a batch. Throws a Problem `wrong_batch_state` if its state does not allow that. */
export const commandBatch = (id: string, command: 'start' | 'pause' | 'resume' | 'cancel'): Promise<Batch> =>
  callApi(`batches/${encodeURIComponent(id)}/${command}`, 'POST');

/** Changes how many recipients per second a batch asks for; null: no limit. */
export const changeBatchRate = (id: string, perSecond: number | null): Promise<Batch> =>
  callApi(`batches/${encodeURIComponent(id)}`, 'PATCH', { per_second: perSecond });

/** Creates a batch. `key`: a repeated call with the same key creates no second one. */
export const createBatch = (request: BatchRequest, key: string): Promise<Batch> =>
  callApi('batches', 'POST', request, undefined, { 'idempotency-key': key });

/** Why a line was rejected. `line`: its number in the batch, from 0. */
export interface LineError {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface AddedLines {
  /** Lines that the batch has now. */
  readonly offset: number;
  readonly stored: number;
  readonly rejected: number;
  readonly empty: number;
  /** The first 1,000 lines that were rejected. */
  readonly errors: readonly LineError[];
}

/** Adds lines to a batch. `offset`: the line, from 0, that they begin with; those that are there already are passed over. */
export async function addRecipients(
  id: string,
  lines: string,
  offset: number,
  signal: AbortSignal,
): Promise<AddedLines> {
  const answer = await putLines(`batches/${encodeURIComponent(id)}/recipients?offset=${offset}`, lines, signal);
  const total = answer.at(-1) as Omit<AddedLines, 'errors'>;
  return { ...total, errors: answer.slice(0, -1) as LineError[] };
}
