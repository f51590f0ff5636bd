import type pg from 'pg';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import type { Secrets } from '../store/connectors/secrets.ts';
import type { ClaimedTask } from '../store/connectors/tasks.ts';

/** One attempt at a task. */
export interface Attempt {
  readonly task: ClaimedTask;
  readonly catalog: Catalog;
  readonly secrets: Secrets;
  /** Ends the calls before the claim does. */
  readonly signal: AbortSignal;
}

/**
 * End of an attempt, for the circuit of the service: it was called and answered, or gave no answer; or it was not called, because a
 * secret is missing or for another reason.
 */
export type AttemptEnd = 'answered' | 'silent' | 'secret_missing' | 'not_called';

/** Result of an attempt. */
export interface AttemptResult {
  /** Events about the user. Each has an id by which a repetition is known. */
  readonly events: readonly object[];
  /** Stores what is no event, in the transaction that ends the attempt. */
  record?(connection: pg.PoolClient, userId: string): Promise<void>;
  /** Whether what it stores counts also when another worker has claimed the task since, or ended it without success. */
  readonly isLasting: boolean;
  /** Why it counts as failed all the same: something is left to be done; absent: it is done. */
  readonly failure?: { readonly code: string; readonly reason: string; readonly isFinal: boolean };
}
