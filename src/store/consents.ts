import type { Millis } from '../model/event.ts';
import type { ConsentState } from '../model/terms.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime } from '../time/iso-time.ts';
import { type Columns, CopyRows } from './pg/copy.ts';
import type { Statement } from './pg/pipeline.ts';
import type { Connection } from './pg/pool.ts';

/** A consent that was granted or withdrawn. */
export interface ConsentRow {
  readonly userId: string;
  readonly consentId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly state: ConsentState;
  readonly addressHash: string | null;
  readonly addressMask: string | null;
  readonly source: string | null;
  readonly method: string | null;
  readonly wordingVersion: string | null;
  readonly locale: string | null;
  readonly recordedBy: string;
  /** When it was said. */
  readonly at: Millis;
  /** Further evidence; null: it has no such evidence. */
  readonly sealed: Buffer | null;
}

const CONSENT_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  consent_id: 'uuid',
  purpose: 'text',
  channel: 'text',
  state: 'text',
  address_hash: 'text',
  address_mask: 'text',
  source: 'text',
  method: 'text',
  wording_version: 'text',
  locale: 'text',
  recorded_by: 'text',
  at: 'time',
  recorded_at: 'time',
  sealed: 'bytea',
};

/** Returns the statement that appends consents. */
export function copyConsents(tenantId: string, consents: readonly ConsentRow[], now: Millis): Statement {
  const rows = new CopyRows('consents', CONSENT_COLUMNS);
  for (const one of consents) {
    rows.add([
      tenantId,
      one.userId,
      one.consentId,
      one.purpose,
      one.channel,
      one.state,
      one.addressHash,
      one.addressMask,
      one.source,
      one.method,
      one.wordingVersion,
      one.locale,
      one.recordedBy,
      one.at,
      now,
      one.sealed,
    ]);
  }
  return rows.statement();
}

/** Whether a consent is of the user who has the id now, and not of one whose erasure has not come to it yet. */
const NOT_ERASED = `not exists (
       select from erasures as e
       where e.tenant_id = $1 and e.finished_at is null and e.user_id = consents.user_id and e.erased_at >= consents.recorded_at)`;

/** A consent as the API shows it. Times are ISO 8601 in UTC. */
export interface ConsentView {
  readonly consent_id: string;
  readonly purpose: string;
  readonly channel: string;
  readonly state: ConsentState;
  /** Masked; null: of no address. */
  readonly address: string | null;
  readonly source: string | null;
  readonly method: string | null;
  readonly wording_version: string | null;
  readonly locale: string | null;
  readonly recorded_by: string;
  readonly at: string;
  readonly recorded_at: string;
  /** Null: it has no evidence, or the caller may not see it. */
  readonly evidence: { readonly [name: string]: unknown } | null;
}

/**
 * Returns the consents of a user, the one that was recorded last first.
 * @param page `before`: only those older than this one; null: from the newest
 * @param seal opens the evidence; undefined: it is not shown
 */
export async function listConsents(
  connection: Connection,
  tenantId: string,
  userId: string,
  page: { readonly limit: number; readonly before: string | null },
  seal: Seal | undefined,
): Promise<ConsentView[]> {
  const { rows } = await connection.query(
    `select consent_id, purpose, channel, state, address_mask, source, method, wording_version, locale, recorded_by, at,
            recorded_at, sealed
     from consents where tenant_id = $1 and user_id = $2 and ($3::uuid is null or consent_id < $3::uuid) and ${NOT_ERASED}
     order by consent_id desc limit $4`,
    [tenantId, userId, page.before, page.limit],
  );
  return rows.map(({ address_mask, sealed, at, recorded_at, ...row }) => ({
    ...row,
    address: address_mask,
    at: isoTime(at),
    recorded_at: isoTime(recorded_at),
    evidence:
      seal && sealed
        ? (openDocument(seal, sealed, documentRow('consents', tenantId, userId, row.consent_id)) ?? null)
        : null,
  })) as ConsentView[];
}

/** Consents that one page looks at, at most: a filter that few of them meet goes on with the next page. */
const MAX_LOOKED_AT = 2000;

/** Which consents of a tenant are listed; null: any. */
export interface ConsentFilter {
  readonly purpose: string | null;
  readonly channel: string | null;
  readonly state: ConsentState | null;
}

/** A page of consents over all users. */
export interface LatestConsents {
  readonly consents: readonly (ConsentView & { readonly user_id: string })[];
  /** The next page is of those older than this one; null: there are no more. */
  readonly before: string | null;
}

/** Returns consents of all users, without their evidence: the one that was recorded last first. */
export async function listLatestConsents(
  connection: Connection,
  tenantId: string,
  { purpose, channel, state }: ConsentFilter,
  page: { readonly limit: number; readonly before: string | null },
): Promise<LatestConsents> {
  const { rows } = await connection.query(
    `with looked as materialized (
       select * from consents where tenant_id = $1 and ($2::uuid is null or consent_id < $2::uuid)
       order by consent_id desc limit ${MAX_LOOKED_AT}
     ), found as materialized (
       select * from looked as consents
       where ($3::text is null or purpose = $3) and ($4::text is null or channel = $4) and ($5::text is null or state = $5)
         and ${NOT_ERASED}
       order by consent_id desc limit $6
     )
     select f.user_id, f.consent_id, f.purpose, f.channel, f.state, f.address_mask, f.source, f.method, f.wording_version, f.locale,
            f.recorded_by, f.at, f.recorded_at, l.looked, l.oldest
     from (select (select count(*) from looked) as looked, (select consent_id from looked order by consent_id limit 1) as oldest) as l
     left join found as f on true order by f.consent_id desc`,
    [tenantId, page.before, purpose, channel, state, page.limit],
  );
  const found = rows.filter(({ consent_id }) => consent_id !== null);
  const consents = found.map(({ address_mask, at, recorded_at, looked, oldest, ...row }) => ({
    ...row,
    address: address_mask,
    at: isoTime(at),
    recorded_at: isoTime(recorded_at),
    evidence: null,
  }));
  const isFull = consents.length === page.limit;
  const last = isFull
    ? consents.at(-1)?.consent_id
    : Number(rows[0]?.looked) === MAX_LOOKED_AT
      ? rows[0]?.oldest
      : null;
  return { consents, before: last ?? null };
}

/** A stored consent, as far as its confirmation needs it. */
export interface StoredConsent {
  readonly userId: string;
  readonly consentId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly state: ConsentState;
  readonly addressHash: string | null;
  readonly addressMask: string | null;
  readonly source: string | null;
  readonly wordingVersion: string | null;
  readonly locale: string | null;
  readonly at: Millis;
  readonly recordedAt: Millis;
}

const STORED_COLUMNS = `user_id as "userId", consent_id as "consentId", purpose, channel, state, address_hash as "addressHash",
  address_mask as "addressMask", source, wording_version as "wordingVersion", locale, at, recorded_at as "recordedAt"`;

/** Returns the consent of a user for a purpose and a channel that was recorded last; undefined: it does not exist. */
export async function findLatestConsent(
  connection: Connection,
  of: Pick<ConsentRow, 'userId' | 'purpose' | 'channel'> & { readonly tenantId: string },
): Promise<StoredConsent | undefined> {
  const { rows } = await connection.query<StoredConsent>(
    `select ${STORED_COLUMNS} from consents where tenant_id = $1 and user_id = $2 and purpose = $3 and channel = $4 and ${NOT_ERASED}
     order by recorded_at desc, consent_id desc limit 1`,
    [of.tenantId, of.userId, of.purpose, of.channel],
  );
  return rows[0];
}

/** Returns a consent of any of these users, as those that were merged keep theirs; undefined: it does not exist. */
export async function findConsent(
  connection: Connection,
  tenantId: string,
  userIds: readonly string[],
  consentId: string,
): Promise<StoredConsent | undefined> {
  const { rows } = await connection.query<StoredConsent>(
    `select ${STORED_COLUMNS} from consents
     where tenant_id = $1 and user_id = any($2::text[]) and consent_id = $3 and ${NOT_ERASED}`,
    [tenantId, userIds, consentId],
  );
  return rows[0];
}

/** Sources of a consent that was confirmed: by a link, or by a reply to a text message. */
export const CONFIRMATION_SOURCES = { link: 'confirmation link', reply: 'confirmation reply' } as const;

/** Returns whether the address of a request has confirmed it, or another one for the same since. */
export async function isConfirmedSince(
  connection: Connection,
  tenantId: string,
  userIds: readonly string[],
  { purpose, channel, addressHash, recordedAt }: StoredConsent,
): Promise<boolean> {
  const { rows } = await connection.query<{ is_confirmed: boolean }>(
    `select exists (
       select from consents where tenant_id = $1 and user_id = any($2::text[]) and purpose = $3 and channel = $4
         and address_hash = $5 and state = 'granted' and source = any($6::text[]) and recorded_at >= $7
     ) as is_confirmed`,
    [tenantId, userIds, purpose, channel, addressHash, Object.values(CONFIRMATION_SOURCES), isoTime(recordedAt)],
  );
  return rows[0]?.is_confirmed ?? false;
}

/** Returns the ids of those of these consents that are stored. */
export async function findConsents(
  connection: Connection,
  tenantId: string,
  consents: readonly { readonly userId: string; readonly consentId: string }[],
): Promise<ReadonlySet<string>> {
  const { rows } = await connection.query<{ consent_id: string; is_stored: boolean }>({
    name: 'find-consents',
    text: `select consent_id, exists (
             select from consents as c where tenant_id = $1 and c.user_id = q.user_id and c.consent_id = q.consent_id
           ) as is_stored
           from unnest($2::text[], $3::uuid[]) as q(user_id, consent_id)`,
    values: [tenantId, consents.map(({ userId }) => userId), consents.map(({ consentId }) => consentId)],
  });
  return new Set(rows.flatMap(({ consent_id, is_stored }) => (is_stored ? [consent_id] : [])));
}
