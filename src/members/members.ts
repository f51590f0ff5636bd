import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Millis } from '../model/event.ts';
import { type Principal, ROLES, type Role } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockAccess } from '../store/members/lock-access.ts';
import {
  countMembers,
  deleteMember,
  findSameMember,
  hasOtherOwner,
  insertMember,
  isAddedBy,
  loadMember,
  type Member,
  type Identity as MemberIdentity,
  updateMember,
} from '../store/members/members.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';

/** Members of a tenant, at most. */
const MAX_MEMBERS = 1000;

export interface MemberCommand {
  readonly pool: pg.Pool;
  /** The one that changes the members, and the tenant. */
  readonly principal: Principal;
  readonly now: Millis;
}

/** A member to add: the login it will have, or the address that it is invited by. */
export interface NewMember extends MemberIdentity {
  readonly emailMask: string | null;
  readonly name: string;
  readonly role: Role;
}

/**
 * Adds a member.
 * @param operationId identifies the request, a UUID: a repetition returns the member that was added
 * @throws TidingsError `member_exists`, `too_many_members`, `forbidden`
 */
export async function addMember(
  { pool, principal, now }: MemberCommand,
  member: NewMember,
  operationId: string | null = null,
): Promise<Member> {
  const { tenantId, actor } = principal;
  requireRights(principal, member.role);
  return withTransaction(pool, async (connection) => {
    await lockAccess(connection, tenantId);
    const known = await findSameMember(connection, tenantId, member);
    if (known) {
      if (operationId !== null && (await isAddedBy(connection, tenantId, known.memberId, operationId))) return known;
      const message = `This is a member already, with the role ${known.role}: ${known.memberId}; change its role instead.`;
      throw new TidingsError('member_exists', message);
    }
    if ((await countMembers(connection, tenantId)) >= MAX_MEMBERS) {
      throw new TidingsError('too_many_members', `A tenant has at most ${MAX_MEMBERS} members.`);
    }
    const added = { ...member, memberId: freshId(), addedBy: actor, addedAt: now };
    await insertMember(connection, { ...added, tenantId, operationId });
    await audit(connection, principal, 'member.added', added.memberId, null, member, now);
    return { ...added, lastLoginAt: null };
  });
}

/**
 * Changes role or name of a member. Returns undefined for an unknown id.
 * @throws TidingsError `last_owner`, `forbidden`
 */
export function changeMember(
  command: MemberCommand,
  memberId: string,
  change: { readonly role?: Role | undefined; readonly name?: string | undefined },
): Promise<Member | undefined> {
  return withMember(command, memberId, async (connection, member) => {
    const { principal, now } = command;
    const after = { ...member, role: change.role ?? member.role, name: change.name ?? member.name };
    requireRights(principal, after.role);
    if (after.role !== 'owner') await requireOtherOwner(connection, principal.tenantId, member);
    if (after.role === member.role && after.name === member.name) return after;
    await updateMember(connection, principal.tenantId, memberId, after);
    await audit(connection, principal, 'member.changed', memberId, member, after, now);
    return after;
  });
}

/**
 * Removes a member, whose sessions reach this tenant no more from now on. Returns undefined for an unknown id.
 * @throws TidingsError `last_owner`, `forbidden`
 */
export function removeMember(command: MemberCommand, memberId: string): Promise<Member | undefined> {
  return withMember(command, memberId, async (connection, member) => {
    const { principal, now } = command;
    await requireOtherOwner(connection, principal.tenantId, member);
    await deleteMember(connection, principal.tenantId, memberId);
    await audit(connection, principal, 'member.removed', memberId, member, null, now);
    return member;
  });
}

function withMember(
  { pool, principal }: MemberCommand,
  memberId: string,
  work: (connection: pg.PoolClient, member: Member) => Promise<Member>,
): Promise<Member | undefined> {
  return withTransaction(pool, async (connection) => {
    await lockAccess(connection, principal.tenantId);
    const member = await loadMember(connection, principal.tenantId, memberId);
    if (!member) return undefined;
    // A member with more rights is not taken down by one with fewer.
    requireRights(principal, member.role);
    return work(connection, member);
  });
}

/** Throws unless the principal has every right of the role: no caller gives, or takes, more than its own. */
function requireRights({ scopes }: Principal, role: Role): void {
  const missing = ROLES[role].find((scope) => !scopes.has(scope));
  if (missing === undefined) return;
  throw new TidingsError('forbidden', `The role ${role} has the scope ${missing}, which you do not have yourself.`, {
    pointer: '/role',
  });
}

/** Throws if the tenant would be left without an owner who can log in. */
async function requireOtherOwner(connection: Connection, tenantId: string, member: Member): Promise<void> {
  if (member.role !== 'owner' || member.subject === null) return;
  if (await hasOtherOwner(connection, tenantId, member.memberId)) return;
  throw new TidingsError('last_owner', 'This is the last owner of the tenant who can log in; make another one first.');
}

type Described = Pick<Member, 'role' | 'name' | 'emailMask' | 'issuer'> | null;

async function audit(
  connection: Connection,
  { tenantId, actor }: Principal,
  action: string,
  memberId: string,
  before: Described,
  after: Described,
  now: Millis,
): Promise<void> {
  const describe = (member: Described) =>
    member && { role: member.role, name: member.name, email: member.emailMask, issuer: member.issuer };
  await appendAuditEntry(
    connection,
    { tenantId, actor, action, subject: memberId, detail: {}, before: describe(before), after: describe(after) },
    now,
  );
}
