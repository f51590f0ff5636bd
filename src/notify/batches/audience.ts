import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { compileProfileCondition, type ProfileCondition } from '../../catalog/compile/compile-segments.ts';
import { TidingsError } from '../../errors.ts';
import { type BatchAudience, type BatchSource, isReading } from '../../model/batch.ts';
import type { Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { NewLine } from '../../store/batches/recipients.ts';
import { loadList } from '../../store/lists/lists.ts';
import { loadMembers, sampleMembers } from '../../store/lists/members.ts';
import { loadMerges } from '../../store/merge/merged-users.ts';
import { loadSegmentPage, requireSegment, sampleSegment } from '../segments/segments.ts';

/** Lines of a batch with an audience, at most. */
export const MAX_AUDIENCE_LINES = 10_000_000;

/** Members of a list that one turn reads. */
const PAGE_MEMBERS = 1000;

interface AudienceParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
}

/**
 * @throws TidingsError `not_found` if there is no such list or segment.
 * @param pointer where the request names it; '': it does not
 */
export async function checkAudience(
  { pool, catalogs }: AudienceParts,
  tenantId: string,
  audience: BatchAudience,
  pointer = '',
): Promise<void> {
  if ('segment' in audience) await requireSegment(catalogs, tenantId, audience.segment, pointer);
  else if (!(await loadList(pool, tenantId, audience.list)))
    throw new TidingsError('not_found', 'There is no such list.', { pointer });
}

/**
 * Returns the source of a batch that starts: the condition of a segment stays as it is now.
 * @throws TidingsError `not_found`
 */
export async function beginSource(parts: AudienceParts, tenantId: string, source: BatchSource): Promise<BatchSource> {
  const { audience } = source;
  await checkAudience(parts, tenantId, audience);
  if (!('segment' in audience)) return { ...source, state: 'reading' };
  const { condition } = await requireSegment(parts.catalogs, tenantId, audience.segment, '');
  return { ...source, state: 'reading', condition: condition.text };
}

/** Users of an audience, as lines, and how far it is read with them. */
export interface AudiencePage {
  readonly lines: readonly NewLine[];
  readonly source: BatchSource;
}

/**
 * Reads the next users of an audience: a page of members, or those of a page of users that are in the segment. Each comes once,
 * in the order of their ids; one who is a line already becomes a duplicate when it is asked for.
 * @param room lines that the batch may still have
 */
export async function readAudience(
  parts: { readonly pool: pg.Pool; readonly seal: Seal },
  { tenantId, source, now }: { readonly tenantId: string; readonly source: BatchSource; readonly now: Millis },
  room: number,
): Promise<AudiencePage> {
  const { audience, after } = source;
  const page =
    'list' in audience
      ? await readList(parts.pool, tenantId, audience.list, after)
      : await readSegment(parts, tenantId, source, now);
  if (page === undefined) return { lines: [], source: { ...source, state: 'gone', after: '' } };
  const userIds = page.userIds.slice(0, room);
  const isCut = userIds.length < page.userIds.length;
  const isOver = isCut || page.after === null;
  const state = isCut ? 'cut' : isOver ? 'done' : 'reading';
  // The id of a user is not kept for longer than it is of use.
  const next = { state, found: source.found + userIds.length, after: isOver ? '' : (page.after ?? '') } as const;
  return { lines: userIds.map(toLine), source: { ...source, ...next } };
}

interface UserPage {
  readonly userIds: readonly string[];
  readonly after: string | null;
}

/** Undefined: the list is gone. */
async function readList(pool: pg.Pool, tenantId: string, listId: string, after: string): Promise<UserPage | undefined> {
  const members = await loadMembers(pool, tenantId, listId, PAGE_MEMBERS, after);
  if (members.length === 0 && !(await loadList(pool, tenantId, listId))) return undefined;
  const ids = members.map(({ user_id }) => user_id);
  // One who was merged while they were added.
  const merges = ids.length === 0 ? new Map() : await loadMerges(pool, tenantId, ids);
  return {
    userIds: ids.map((id) => merges.get(id)?.into ?? id),
    after: ids.length < PAGE_MEMBERS ? null : (ids.at(-1) ?? null),
  };
}

function readSegment(
  parts: { readonly pool: pg.Pool; readonly seal: Seal },
  tenantId: string,
  { condition: text = 'false', after }: BatchSource,
  now: Millis,
): Promise<UserPage> {
  return loadSegmentPage(parts, { tenantId, condition: compileKept(text), now }, after);
}

function toLine(userId: string): NewLine {
  return { state: 'pending', userId, addressHash: null, sealed: null, code: null, reason: null };
}

/** Some of the users of an audience who are not lines yet. */
export interface AudienceSample {
  /** Their number, about. */
  readonly users: number;
  readonly userIds: readonly string[];
  /** Whether `userIds` are all of them. */
  readonly isWhole: boolean;
}

/** Returns users of an audience evenly over their ids. @param limit users, at most */
export async function sampleAudience(
  parts: { readonly pool: pg.Pool; readonly seal: Seal; readonly catalogs: CatalogCache },
  { tenantId, source, now }: { readonly tenantId: string; readonly source: BatchSource; readonly now: Millis },
  limit: number,
): Promise<AudienceSample> {
  const { audience, found, state } = source;
  if (!isReading(source) || limit === 0) return { users: 0, userIds: [], isWhole: true };
  const { size, userIds } = await ('list' in audience
    ? sampleList(parts.pool, tenantId, audience.list, limit)
    : sampleNamed(parts, { tenantId, source, now }, limit));
  return { users: Math.max(0, size - found), userIds, isWhole: state === 'pending' && userIds.length === size };
}

async function sampleList(pool: pg.Pool, tenantId: string, listId: string, limit: number) {
  const size = (await loadList(pool, tenantId, listId))?.members ?? 0;
  const step = Math.max(1, Math.ceil(size / limit));
  return { size, userIds: await sampleMembers(pool, tenantId, listId, { step, limit }) };
}

async function sampleNamed(
  parts: { readonly pool: pg.Pool; readonly seal: Seal; readonly catalogs: CatalogCache },
  { tenantId, source, now }: { readonly tenantId: string; readonly source: BatchSource; readonly now: Millis },
  limit: number,
) {
  const condition = await findCondition(parts.catalogs, tenantId, source);
  const { count, matching } = await sampleSegment(parts, { tenantId, condition, now });
  const step = Math.max(1, Math.ceil(matching.length / limit));
  return { size: count, userIds: matching.filter((_, index) => index % step === 0) };
}

async function findCondition(catalogs: CatalogCache, tenantId: string, source: BatchSource): Promise<ProfileCondition> {
  if (source.condition !== undefined) return compileKept(source.condition);
  const { segment } = source.audience as { readonly segment: string };
  return (await requireSegment(catalogs, tenantId, segment, '')).condition;
}

function compileKept(text: string): ProfileCondition {
  const compiled = compileProfileCondition(text);
  if ('problems' in compiled) throw new Error('the condition of a segment no longer compiles');
  return compiled.condition;
}
