import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { compileProfileCondition, type ProfileCondition } from '../../catalog/compile/compile-segments.ts';
import { TidingsError } from '../../errors.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { ADDRESS_USER } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { loadTraitsOf, loadUserIds, sampleUserIds } from '../../store/segment-users.ts';

/*
 * Segments: the users whose profile meets a condition at the time of the evaluation. Nothing of them is stored but the
 * condition.
 */

export interface SegmentParts {
  readonly pool: pg.Pool;
  readonly seal: Seal;
}

/** Users whose profiles are in memory at once: each has up to 64 KiB. */
const PAGE_USERS = 500;
/** Longest time in ms for which evaluations keep the event loop to themselves. */
const SLICE_MS = 25;
/** Users that a preview evaluates, at most. */
export const MAX_PREVIEWED = 5000;

/** A condition, and the time at which it is evaluated. */
export interface SegmentQuestion {
  readonly tenantId: string;
  readonly condition: ProfileCondition;
  readonly now: Millis;
}

/** A part of the users of a segment, in the order of their ids. */
export interface SegmentPage {
  readonly userIds: readonly string[];
  /** Users that were evaluated. */
  readonly examined: number;
  /** The id after which the next page starts; null: there are no further users. */
  readonly after: string | null;
}

/**
 * Evaluates the next PAGE_USERS users. Those who are known by an address alone are in no segment: they may be users under their
 * id as well.
 */
export async function loadSegmentPage(
  parts: SegmentParts,
  question: SegmentQuestion,
  after: string,
): Promise<SegmentPage> {
  const ids = await loadUserIds(parts.pool, question.tenantId, after, PAGE_USERS);
  const users = ids.filter((id) => !id.startsWith(ADDRESS_USER));
  const last = ids.length < PAGE_USERS ? null : (ids.at(-1) ?? null);
  return {
    userIds: await filterUsers(parts, question, users),
    examined: users.length,
    after: last?.startsWith(ADDRESS_USER) ? LAST_ADDRESS_USER : last,
  };
}

/**
 * The greatest id of a user who is known by an address alone, in the order of bytes: a page of nothing but them is the last of
 * them.
 */
const LAST_ADDRESS_USER = `${ADDRESS_USER}\u{10FFFF}`;

/**
 * Returns a page of users of a segment. Evaluates pages until it has `limit` of them or has evaluated `maxExamined`: it may be
 * short.
 */
export async function listSegment(
  parts: SegmentParts,
  question: SegmentQuestion,
  { after, limit, maxExamined }: { readonly after: string; readonly limit: number; readonly maxExamined: number },
): Promise<SegmentPage> {
  const userIds: string[] = [];
  let examined = 0;
  for (let at: string | null = after; ; ) {
    const page: SegmentPage = await loadSegmentPage(parts, question, at);
    const left = limit - userIds.length;
    userIds.push(...page.userIds.slice(0, left));
    examined += page.examined;
    if (page.userIds.length > left) return { userIds, examined, after: userIds.at(-1) ?? null };
    at = page.after;
    if (at === null || userIds.length === limit || examined >= maxExamined) return { userIds, examined, after: at };
  }
}

/** The number of users in a segment, by a sample of all. */
export interface SegmentSample {
  /** Users of the tenant, without those who are known by an address alone. */
  readonly users: number;
  readonly examined: number;
  /** Users of the examined who are in the segment, in the order of their ids. */
  readonly matching: readonly string[];
  /** Users in the segment: the number in the sample, times users / examined. */
  readonly count: number;
}

/** Evaluates at most MAX_PREVIEWED users, evenly over their ids. */
export async function sampleSegment(parts: SegmentParts, question: SegmentQuestion): Promise<SegmentSample> {
  const { total, userIds } = await sampleUserIds(parts.pool, question.tenantId, MAX_PREVIEWED);
  const matching: string[] = [];
  for (let start = 0; start < userIds.length; start += PAGE_USERS)
    matching.push(...(await filterUsers(parts, question, userIds.slice(start, start + PAGE_USERS))));
  const examined = userIds.length;
  const count =
    examined >= total || examined === 0 ? matching.length : Math.round((matching.length * total) / examined);
  return { users: total, examined, matching, count };
}

async function filterUsers(
  { pool, seal }: SegmentParts,
  { tenantId, condition, now }: SegmentQuestion,
  userIds: readonly string[],
): Promise<string[]> {
  if (userIds.length === 0) return [];
  const users = await loadTraitsOf(pool, seal, tenantId, userIds, condition.readsAddresses);
  const found: string[] = [];
  let began = performance.now();
  for (const { userId, traits } of users) {
    if (condition.matches(traits, now)) found.push(userId);
    if (performance.now() - began < SLICE_MS) continue;
    // A condition may take milliseconds for each user: others are served in between.
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  }
  return found;
}

/** A condition with the segment that it is of, and the catalog version. */
export interface FoundSegment {
  readonly condition: ProfileCondition;
  readonly version: number;
}

/** Returns a segment of the active catalog. @throws TidingsError `not_found` @param pointer where the request names it */
export async function requireSegment(
  catalogs: CatalogCache,
  tenantId: string,
  name: string,
  pointer: string,
): Promise<FoundSegment> {
  const { segments, version } = await catalogs.getActive(tenantId);
  const condition = segments.get(name);
  if (condition) return { condition, version };
  const near = findNearest(name, [...segments.keys()]);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new TidingsError('not_found', `The active catalog has no segment of this name.${hint}`, { pointer });
}

/**
 * Compiles a condition of a request, as those of segments are checked.
 * @throws TidingsError `invalid_condition` with every problem
 */
export async function compileAsked(
  catalogs: CatalogCache,
  tenantId: string,
  text: string,
  pointer: string,
): Promise<FoundSegment> {
  const { data, version } = await catalogs.getActive(tenantId);
  const compiled = compileProfileCondition(text, data.traits);
  if ('condition' in compiled) return { condition: compiled.condition, version };
  const errors = compiled.problems.map(({ message, hint, offset }) => ({
    pointer,
    message: `At character ${offset + 1}: ${message}.`,
    ...(hint !== undefined && { hint }),
  }));
  throw new TidingsError('invalid_condition', errors[0]?.message ?? 'The condition is invalid.', { errors });
}
