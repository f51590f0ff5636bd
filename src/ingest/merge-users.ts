import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { contentUuid, jsonText } from '../events/content.ts';
import { type Json, type Millis, USER_MERGED } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { MAX_TERMS_CHARS, type Terms } from '../model/terms.ts';
import type { Seal } from '../privacy/seal.ts';
import { moveVerifications } from '../store/address-verifications.ts';
import { appendAuditEntries } from '../store/audit-log.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import { reviveStatement } from '../store/deliveries/revive.ts';
import { lockUsers } from '../store/facts/facts.ts';
import { moveMemberships } from '../store/lists/members.ts';
import { listMergedInto, loadMerges, MAX_MERGED_INTO_ONE, recordMerge } from '../store/merge/merged-users.ts';
import {
  type Move,
  moveDevices,
  moveExposures,
  moveInbox,
  moveLimitUses,
  moveOpenNotifications,
  moveProducts,
  moveWaits,
} from '../store/merge/move-rows.ts';
import { kindsOf, loadMergedUsers, type MergedUser, storeUnited } from '../store/merge/unite-users.ts';
import { enqueueOutbox } from '../store/outbox.ts';
import { runPipelined } from '../store/pg/pipeline.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { releaseHeld, writeTerms } from '../store/terms.ts';
import { canonicalZone, resolveZone } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { uniteProfiles } from '../users/profile.ts';
import { keepWithdrawals, uniteTerms } from '../users/terms.ts';
import { MAX_PROFILE_BYTES, MAX_TRAITS } from './bounds/profile-bound.ts';
import { toSearchName } from './search-name.ts';

/** The user that goes, the survivor, and the actor that asked for it. */
export interface MergeRequest {
  readonly tenantId: string;
  readonly userId: string;
  readonly into: string;
  readonly actor: Actor;
}

/** A merge as the API shows it. */
export interface MergeView {
  readonly user_id: string;
  readonly merged_into: string;
  readonly merged_at: string;
  /** Rows that went to the survivor; none if they were merged before. */
  readonly moved: Moved;
}

interface Moved {
  readonly addresses: number;
  readonly devices: number;
  readonly waits: number;
  readonly notifications: number;
  readonly inbox_items: number;
  readonly limit_uses: number;
}

const NOTHING: Moved = { addresses: 0, devices: 0, waits: 0, notifications: 0, inbox_items: 0, limit_uses: 0 };

/**
 * Merges a user into another, in one transaction under the locks of both. What was stored of the user before keeps its id; what
 * is open goes to the survivor, and so do later events of the id. A merge that was done before is returned as it is.
 * @throws TidingsError `invalid_request`, `not_found`, `already_merged`, `too_much_to_merge`, `too_many_addresses`,
 *   `not_readable`
 */
export async function mergeUsers(
  { pool, seal, clock }: { readonly pool: pg.Pool; readonly seal: Seal; readonly clock: () => Millis },
  request: MergeRequest,
): Promise<MergeView> {
  const { tenantId, userId, into } = request;
  if (userId === into)
    throw new TidingsError('invalid_request', 'into is the user themselves; name another one.', { pointer: '/into' });
  const view = await withTransaction(pool, async (connection) => {
    await lockUsers(connection, tenantId, [userId, into]);
    const now = clock();
    const known = await loadMerges(connection, tenantId, [userId, into]);
    const earlier = known.get(userId);
    if (earlier?.into === into) return toView(request, earlier.at, NOTHING);
    if (earlier) throw alreadyMerged(userId, earlier.into, 'user_id');
    const next = known.get(into);
    if (next) throw alreadyMerged(into, next.into, '/into');
    const [survivor, other] = await loadMergedUsers(connection, seal, tenantId, [into, userId]);
    if (!other) throw unknown('user_id');
    if (!survivor) throw unknown('/into');
    await checkMergedBefore(connection, request);
    const moved = await merge(connection, seal, { tenantId, from: userId, into, now }, [survivor, other]);
    await recordMerge(connection, { tenantId, userId, into, now });
    await tell(connection, request, moved, now);
    return toView(request, now, moved);
  });
  await announceDeliveries(pool);
  return view;
}

async function merge(
  connection: pg.PoolClient,
  seal: Seal,
  move: Move,
  users: readonly [MergedUser, MergedUser],
): Promise<Moved> {
  const { tenantId, from, into, now } = move;
  const [survivor, other] = users;
  const profile = uniteProfiles(survivor.profile, other.profile, kindsOf(survivor));
  const kept = (one: MergedUser) => keepWithdrawals(one.terms, one.profile, profile);
  const terms = uniteTerms(kept(survivor), kept(other));
  checkSize(profile.traits as Json, Object.keys(profile.traits).length, terms);
  const { traits } = profile;
  const zone = typeof traits.time_zone === 'string' ? canonicalZone(resolveZone('user', traits)) : null;
  const united = { profile, terms, zone, name: toSearchName(traits) };
  // Held deliveries are decided again, on the terms of both: their time is set before they move.
  await runPipelined(connection, [
    ...(terms === survivor.terms ? [] : writeTerms(tenantId, [{ userId: into, terms }])),
    releaseHeld(tenantId, [from, into], now),
  ]);
  const { added: addresses, firstOf } = await storeUnited(connection, seal, { tenantId, now }, users, united);
  await moveVerifications(connection, move);
  await moveMemberships(connection, move);
  const devices = await moveDevices(connection, move);
  await moveProducts(connection, move);
  await moveExposures(connection, move);
  const notifications = await moveOpenNotifications(connection, seal, move);
  const found = firstOf.map((kind) => ({ userId: into, kind }));
  if (found.length > 0) await runPipelined(connection, [reviveStatement(tenantId, found, now)]);
  return {
    addresses,
    devices,
    waits: await moveWaits(connection, seal, move),
    notifications,
    inbox_items: await moveInbox(connection, seal, move),
    limit_uses: await moveLimitUses(connection, move),
  };
}

function checkSize(traits: Json, count: number, terms: Terms): void {
  const isLarge = count > MAX_TRAITS || Buffer.byteLength(jsonText(traits)) > MAX_PROFILE_BYTES;
  if (!isLarge && JSON.stringify(terms).length <= MAX_TERMS_CHARS) return;
  throw new TidingsError('too_much_to_merge', 'The traits or preferences of both do not fit into one user.');
}

async function checkMergedBefore(connection: pg.PoolClient, { tenantId, userId, into }: MergeRequest): Promise<void> {
  const ofOther = await listMergedInto(connection, tenantId, userId);
  const ofSurvivor = await listMergedInto(connection, tenantId, into);
  if (ofOther.length + ofSurvivor.length < MAX_MERGED_INTO_ONE) return;
  throw new TidingsError('too_much_to_merge', `At most ${MAX_MERGED_INTO_ONE} users are merged into one.`);
}

/** Leaves an entry in the audit log of each of the two, and the event to which rules may react. */
async function tell(
  connection: pg.PoolClient,
  { tenantId, userId, into, actor }: MergeRequest,
  moved: Moved,
  now: Millis,
): Promise<void> {
  const entry = { tenantId, actor, action: 'user.merged', detail: { from: userId, into, moved: { ...moved } } };
  await appendAuditEntries(
    connection,
    [userId, into].map((subject) => ({ ...entry, subject })),
    now,
  );
  // Without the id of the user, which may be as long as that of an event may be.
  const eventId = `${USER_MERGED} ${contentUuid(JSON.stringify([userId, into, now]))}`;
  const properties = { from: userId, into, by: { kind: actor.kind, id: actor.id } };
  const event = {
    event_id: eventId,
    user_id: into,
    event_type: USER_MERGED,
    event_timestamp: isoTime(now),
    properties,
  };
  await enqueueOutbox(connection, [{ tenantId, userId: into, eventId, event }], now);
}

function toView({ userId, into }: MergeRequest, at: Millis, moved: Moved): MergeView {
  return { user_id: userId, merged_into: into, merged_at: isoTime(at), moved };
}

function alreadyMerged(userId: string, into: string, pointer: string): TidingsError {
  return new TidingsError('already_merged', `${userId} was merged into ${into} before.`, { pointer });
}

function unknown(pointer: string): TidingsError {
  return new TidingsError('not_found', 'There is no such user.', { pointer });
}
