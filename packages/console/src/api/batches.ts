import type { Batch, BatchEstimate, BatchPage, BatchResultPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
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
