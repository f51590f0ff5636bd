import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { contentUuid } from '../events/content.ts';
import { toEventKey } from '../events/envelope.ts';
import { markOwn } from '../events/own-events.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { parseExactJson } from '../lib/text/exact-json.ts';
import type { ImportError, ImportResult } from '../model/consent-import.ts';
import type { JsonObject } from '../model/event.ts';
import type { Policy } from '../model/preferences.ts';
import type { Principal } from '../model/principal.ts';
import { CONSENT_RECORDED, type ConsentState, DOUBLE_OPT_IN } from '../model/terms.ts';
import { splitLines } from '../notify/batches/split-lines.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { findConsents } from '../store/consents.ts';
import { findStoredEvents } from '../store/event-ids.ts';
import { loadPlanUsers } from '../store/terms.ts';
import { toUuidV7 } from '../time/uuid-time.ts';
import type { ConsentParts } from './confirmation-requests.ts';
import { Consents } from './consents.ts';
import { importedConsent } from './schemas/consents.ts';

/** Lines of one request, at most: each is a decision, and a request must be complete within a minute. */
const MAX_IMPORT_LINES = 10_000;
const MAX_LINE_BYTES = 64 * 1024;
/** Lines that are decided together. */
const CHUNK_LINES = 500;
/** Errors that an answer lists, at most. */
const MAX_LISTED_ERRORS = 1000;

type Line = z.output<typeof importedConsent>;

type ReadLine = { readonly line: number; readonly said: Line } | ImportError | 'empty';
/** `pending`: it is recorded, and waits for its confirmation. */
type Outcome = 'recorded' | 'pending' | 'known' | ImportError;

/**
 * Imports consents that were given elsewhere, a chunk in memory at a time. Each line is an event of its own, with an id that follows from
 * the line: what breaks off is sent again, and nothing is recorded twice.
 */
export class ConsentImport {
  readonly #parts: ConsentParts;
  readonly #consents: Consents;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
    this.#consents = new Consents(parts);
  }

  /** @throws TidingsError `payload_too_large` for more than MAX_IMPORT_LINES lines, the first of which are recorded */
  async run(principal: Principal, body: AsyncIterable<Buffer>): Promise<ImportResult> {
    const counts = { lines: 0, recorded: 0, pending: 0, known: 0, rejected: 0, empty: 0 };
    const errors: ImportError[] = [];
    let chunk: { readonly line: number; readonly said: Line }[] = [];
    const note = (one: Outcome) => {
      if (typeof one === 'string') counts[one]++;
      if (one === 'pending') counts.recorded++;
      if (typeof one !== 'string') {
        counts.rejected++;
        if (errors.length < MAX_LISTED_ERRORS) errors.push(one);
      }
    };
    const flush = async () => {
      for (const one of await this.#record(principal, chunk)) note(one);
      chunk = [];
    };
    let isTooLong = false;
    try {
      for await (const bytes of splitLines(body, MAX_LINE_BYTES)) {
        isTooLong = counts.lines >= MAX_IMPORT_LINES;
        if (isTooLong) break;
        const read = readLine(counts.lines, bytes);
        counts.lines++;
        if (read === 'empty') counts.empty++;
        else if ('said' in read) chunk.push(read);
        else note(read);
        if (chunk.length >= CHUNK_LINES) await flush();
      }
      await flush();
    } finally {
      // Also of one that breaks off.
      if (counts.recorded > 0) await this.#audit(principal, counts);
    }
    if (isTooLong) {
      const message = `A request has at most ${MAX_IMPORT_LINES} lines; the first ones are imported. Send the further ones in another.`;
      throw new TidingsError('payload_too_large', message);
    }
    return { errors: errors.sort((a, b) => a.line - b.line), summary: counts };
  }

  async #audit({ tenantId, actor }: Principal, detail: JsonObject): Promise<void> {
    const { database, clock } = this.#parts;
    const entry = { tenantId, actor, action: 'consents.imported', subject: `${detail.recorded} consents`, detail };
    await appendAuditEntry(database.forTenant(tenantId), entry, clock());
  }

  async #record(
    { tenantId }: Principal,
    lines: readonly { readonly line: number; readonly said: Line }[],
  ): Promise<Outcome[]> {
    if (lines.length === 0) return [];
    const { database, pipeline, clock, catalogs } = this.#parts;
    const { policy } = (await catalogs.getActive(tenantId)).rules;
    const pool = database.forTenant(tenantId);
    const ids = lines.map(({ said }) => toIds(said));
    const stored = await findStoredEvents(
      pool,
      tenantId,
      ids.map(({ eventId }) => toEventKey(eventId)),
    );
    // Ids of events are not kept for ever.
    const kept = await findConsents(pool, tenantId, ids);
    const users = await loadPlanUsers(
      pool,
      lines.map(({ said }) => ({ tenantId, userId: said.user_id })),
    );
    const outcomes: (Outcome | undefined)[] = [];
    const items: { readonly place: number; readonly item: JsonObject; readonly done: Outcome }[] = [];
    const now = clock();
    for (const [place, { line, said }] of lines.entries()) {
      const user = users[place];
      const own = ids[place] as LineIds;
      if (stored.has(toEventKey(own.eventId)) || kept.has(own.consentId)) outcomes[place] = 'known';
      else if (Date.parse(said.at) > now)
        outcomes[place] = { line, code: 'invalid_line', message: 'at is in the future' };
      else if (!user)
        outcomes[place] = { line, code: 'unknown_user', message: 'user_id is that of no user; import the users first' };
      else {
        const bound = await this.#bind(tenantId, user, said);
        if ('problem' in bound) outcomes[place] = { line, code: 'no_address', message: bound.problem };
        else {
          const state = needsConfirmation(policy, said) ? 'pending' : said.state;
          items.push({
            place,
            item: toItem(own, { ...said, state }, bound),
            done: state === 'pending' ? state : 'recorded',
          });
        }
      }
    }
    const results =
      items.length === 0
        ? []
        : await pipeline.ingest(
            tenantId,
            items.map(({ item }) => item),
            false,
          );
    items.forEach(({ place, done }, index) => {
      const { line } = lines[place] as { readonly line: number };
      const { status = 'rejected', code = 'invalid_line', message = 'The line was rejected' } = results[index] ?? {};
      if (status === 'accepted') outcomes[place] = done;
      else if (status === 'duplicate') outcomes[place] = 'known';
      else if (status === 'conflict')
        outcomes[place] = { line, code: 'conflict', message: 'id is that of another line, which says something else' };
      else outcomes[place] = { line, code, message };
    });
    return outcomes.map((one) => one as Outcome);
  }

  async #bind(tenantId: string, user: Parameters<Consents['bind']>[1], said: Line) {
    try {
      return await this.#consents.bind(tenantId, user, said);
    } catch (error) {
      if (error instanceof TidingsError) return { problem: error.message };
      throw error;
    }
  }
}

function readLine(line: number, bytes: Buffer | undefined): ReadLine {
  const reject = (code: string, message: string) => ({ line, code, message });
  if (bytes === undefined) return reject('line_too_long', `has more than ${MAX_LINE_BYTES / 1024} KiB`);
  if (!isUtf8(bytes)) return reject('invalid_json', 'is not UTF-8');
  const text = bytes.toString('utf8').trim();
  if (text === '') return 'empty';
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return reject('invalid_json', 'is no JSON; write an object on each line');
  }
  const read = importedConsent.safeParse(value);
  if (read.success) return { line, said: read.data };
  return reject('invalid_line', describe(read.error.issues, value));
}

/** Names no value of the line, and no key that is not known: they may be addresses. */
function describe(issues: readonly z.core.$ZodIssue[], line: unknown): string {
  const unknown = issues.find((one) => one.code === 'unrecognized_keys');
  if (unknown) {
    const near = findNearest(unknown.keys[0] ?? '', Object.keys(importedConsent.shape));
    return `has a field that is not known${near === undefined ? '' : `; did you mean ${near}?`}`;
  }
  const [issue] = issues;
  const name = issue?.path.join('.') ?? '';
  if (!issue || name === '') return 'is no object';
  const given = (line as JsonObject)[String(issue.path[0])];
  if (issue.path.length === 1 && given === undefined) return `${name} is missing`;
  if (issue.code === 'invalid_value') return `${name} is not one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type') return `${name} is no ${issue.expected}`;
  return `${name}: ${issue.message}`;
}

interface LineIds {
  readonly userId: string;
  readonly eventId: string;
  readonly consentId: string;
}

/** Returns the ids of what a line becomes: one that is sent again has the same. */
function toIds(said: Line): LineIds {
  const { user_id: userId } = said;
  const eventId = `consent import ${said.id ?? contentUuid(JSON.stringify(Object.entries(said).sort()))}`;
  return { userId, eventId, consentId: toUuidV7(Date.parse(said.at), contentUuid(`${eventId} ${userId}`)) };
}

/** Whether a grant counts only once the user has confirmed it: it claims no earlier double opt-in. An import sends no message. */
function needsConfirmation({ doubleOptIn }: Policy, { purpose, channel, state, method }: Line): boolean {
  return state === 'granted' && method !== DOUBLE_OPT_IN && doubleOptIn?.[`${purpose}/${channel}`] !== undefined;
}

function toItem(
  { userId, eventId, consentId }: LineIds,
  {
    id: _id,
    user_id: _user,
    address: _address,
    at,
    source,
    evidence,
    ...said
  }: Omit<Line, 'state'> & { readonly state: ConsentState },
  bound: JsonObject,
): JsonObject {
  const by = { kind: 'system', id: 'import' };
  const properties = { ...said, ...bound, source: 'import', evidence_id: consentId, by };
  const item = { event_id: eventId, user_id: userId, event_type: CONSENT_RECORDED, event_timestamp: at, properties };
  const kept = { ...evidence, ...(source !== undefined && { source }) };
  return markOwn(item as JsonObject, Object.keys(kept).length === 0 ? {} : { evidence: kept });
}
