import type { CallOptions } from '../connection.ts';
import { inParts, toLines } from '../in-parts.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Batch, BatchEstimate, BatchRequest, BatchResult, JsonObject } from '../types.ts';

/** One line of a batch: a user or an address, with variables of its own or not. */
export type BatchRecipient = { readonly variables?: JsonObject } & (
  | { readonly user_id: string }
  | { readonly email: string }
  | { readonly phone: string }
);

/** A line that was stored and will not be asked for. */
export interface BatchLineError {
  /** From 0. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** Result of an upload. */
export interface BatchUpload {
  /** The lines that the batch has now. */
  readonly lines: number;
  /** Lines of them that were rejected now; the results of the batch have all of them. */
  readonly rejected: number;
  /** The first of them. */
  readonly errors: readonly BatchLineError[];
}

/** Lines of one request, and the length of its body in characters, at most. */
const MAX_LINES = 10_000;
const MAX_CHARS = 4 * 1024 * 1024;
const MAX_ERRORS = 1000;
const WAIT_PAUSE_MS = 1000;

/** One notification to up to a million recipients. */
export class Batches extends Resource {
  create(request: BatchRequest, options?: CallOptions): Promise<Batch> {
    return this.request('post', '/api/v1/batches', { body: request }, options);
  }

  /**
   * Adds recipients to a draft, a part at a time: no more of them are taken than one request holds. A part that may not have
   * arrived is sent again, and stored once.
   * @param offset lines that the batch has already, to go on after an error: `(await get(id)).lines`
   */
  async addRecipients(
    id: string,
    recipients: Iterable<BatchRecipient> | AsyncIterable<BatchRecipient>,
    { offset = 0, ...options }: CallOptions & { readonly offset?: number } = {},
  ): Promise<BatchUpload> {
    let upload: BatchUpload = { lines: offset, rejected: 0, errors: [] };
    const bound = { maxSize: MAX_CHARS, sizeOf: (line: string) => line.length };
    for await (const part of inParts(toLines(recipients), MAX_LINES, bound))
      upload = await this.#add(id, upload, part, options);
    return upload;
  }

  async #add(id: string, before: BatchUpload, part: string[], options: CallOptions): Promise<BatchUpload> {
    const input = { path: { id }, query: { offset: before.lines } };
    const lines = await this.sendLines('/api/v1/batches/{id}/recipients', input, part.join(''), options);
    const summary = lines.at(-1) as { readonly rejected?: number } | undefined;
    const errors = [...before.errors, ...(lines.slice(0, -1) as BatchLineError[])].slice(0, MAX_ERRORS);
    return { lines: before.lines + part.length, rejected: before.rejected + (summary?.rejected ?? 0), errors };
  }

  list(query: Query<'listBatches'> = {}, options?: CallOptions): Listing<Batch> {
    return this.pages('/api/v1/batches', 'batches', { query }, options);
  }

  get(id: string, options?: CallOptions): Promise<Batch> {
    return this.request('get', '/api/v1/batches/{id}', { path: { id } }, options);
  }

  /** Says what would become of the recipients that are pending. */
  estimate(id: string, options?: CallOptions): Promise<BatchEstimate> {
    return this.request('get', '/api/v1/batches/{id}/estimate', { path: { id } }, options);
  }

  /** @param perSecond recipients per second, at most; null: no limit */
  setRate(id: string, perSecond: number | null, options?: CallOptions): Promise<Batch> {
    return this.request('patch', '/api/v1/batches/{id}', { path: { id }, body: { per_second: perSecond } }, options);
  }

  start(id: string, options?: CallOptions): Promise<Batch> {
    return this.request('post', '/api/v1/batches/{id}/start', { path: { id } }, options);
  }

  pause(id: string, options?: CallOptions): Promise<Batch> {
    return this.request('post', '/api/v1/batches/{id}/pause', { path: { id } }, options);
  }

  resume(id: string, options?: CallOptions): Promise<Batch> {
    return this.request('post', '/api/v1/batches/{id}/resume', { path: { id } }, options);
  }

  /** Cancels what has not begun; messages that are being sent may still arrive. */
  cancel(id: string, options?: CallOptions): Promise<Batch> {
    return this.request('post', '/api/v1/batches/{id}/cancel', { path: { id } }, options);
  }

  /**
   * Resolves when each recipient is final. End it by the signal of the options: a paused batch does not end.
   * @param options.onProgress gets the batch each time that it was looked at, once a second
   */
  async wait(
    id: string,
    { onProgress, ...options }: CallOptions & { readonly onProgress?: (batch: Batch) => void } = {},
  ): Promise<Batch> {
    for (;;) {
      const batch = await this.get(id, options);
      onProgress?.(batch);
      if (batch.ended_at !== null) return batch;
      options.signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, WAIT_PAUSE_MS));
    }
  }

  /** Lists what became of each line. */
  results(id: string, query: Query<'listBatchResults'> = {}, options?: CallOptions): Listing<BatchResult> {
    return this.pages('/api/v1/batches/{id}/results', 'results', { path: { id }, query }, options);
  }
}
