import type { CallOptions } from '../connection.ts';
import { inParts, toLines } from '../in-parts.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Consent, ConsentOfUser, JsonObject, NewConsent, RecordedConsent } from '../types.ts';

/** A consent that was given elsewhere. */
export interface ImportedConsent {
  /** Id of the line in the place that it is from; default: its content. */
  readonly id?: string;
  readonly user_id: string;
  readonly purpose: NewConsent['purpose'];
  readonly channel: NewConsent['channel'];
  readonly state: NewConsent['state'];
  /** ISO 8601: when it was said. */
  readonly at: string;
  readonly address?: string;
  readonly source?: string;
  readonly method?: string;
  readonly wording_version?: string;
  readonly locale?: string;
  readonly evidence?: JsonObject;
}

/** A line that was not recorded. */
export interface ConsentImportError {
  /** From 0. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** Result of an import. */
export interface ConsentImport {
  readonly recorded: number;
  /** Recorded ones that wait for the confirmation of their user, and do not count until then. */
  readonly pending: number;
  /** Lines that were imported before. */
  readonly known: number;
  readonly rejected: number;
  /** The first of them. */
  readonly errors: readonly ConsentImportError[];
}

/** Lines of one request, and errors that are kept. */
const MAX_LINES = 2000;
const MAX_ERRORS = 1000;

/** Consents of users, with their evidence. */
export class Consents extends Resource {
  /** Lists the consents of all users, without their evidence: the one that was recorded last first. */
  latest(query: Query<'listLatestConsents'> = {}, options?: CallOptions): Listing<ConsentOfUser> {
    return this.pages('/api/v1/consents', 'consents', { query }, options);
  }

  /** Lists the consents of a user, the one that was recorded last first. */
  list(userId: string, query: Query<'listConsents'> = {}, options?: CallOptions): Listing<Consent> {
    const call = { path: { user_id: userId }, query };
    return this.pages('/api/v1/users/{user_id}/consents', 'consents', call, options);
  }

  /** Records that a user granted or withdrew consent. */
  record(userId: string, consent: NewConsent, options?: CallOptions): Promise<RecordedConsent> {
    const call = { path: { user_id: userId }, body: consent };
    return this.request('post', '/api/v1/users/{user_id}/consents', call, options);
  }

  /**
   * Imports consents that were given elsewhere, a part at a time. After an error it may be run again: nothing is recorded
   * twice.
   */
  async import(
    consents: Iterable<ImportedConsent> | AsyncIterable<ImportedConsent>,
    options?: CallOptions,
  ): Promise<ConsentImport> {
    let total: ConsentImport = { recorded: 0, pending: 0, known: 0, rejected: 0, errors: [] };
    let sent = 0;
    for await (const part of inParts(toLines(consents), MAX_LINES)) {
      const lines = await this.sendLines('/api/v1/consents/import', {}, part.join(''), options, 'POST');
      const summary = lines.at(-1) as Partial<ConsentImport> | undefined;
      const { recorded = 0, pending = 0, known = 0, rejected = 0 } = summary ?? {};
      const errors = (lines.slice(0, -1) as ConsentImportError[]).map((one) => ({ ...one, line: sent + one.line }));
      total = {
        recorded: total.recorded + recorded,
        pending: total.pending + pending,
        known: total.known + known,
        rejected: total.rejected + rejected,
        errors: [...total.errors, ...errors].slice(0, MAX_ERRORS),
      };
      sent += part.length;
    }
    return total;
  }
}
