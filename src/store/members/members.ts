import type { Millis } from '../../model/event.ts';
import type { Actor, Environment, Role } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** One with access to a tenant. */
export interface Member {
  readonly memberId: string;
  /** Null: invited by address, and not logged in since. */
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly emailMask: string | null;
  readonly name: string;
  readonly role: Role;
  readonly addedBy: Actor;
  readonly addedAt: Millis;
  readonly lastLoginAt: Millis | null;
}

const COLUMNS = `member_id as "memberId", issuer, subject, email_mask as "emailMask", name, role, added_by as "addedBy",
  added_at as "addedAt", last_login_at as "lastLoginAt"`;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Returns members in the order in which they were added. @param after only those added after this one; null: from the first */
export async function listMembers(
  connection: Connection,
  tenantId: string,
  limit: number,
  after: string | null,
): Promise<Member[]> {
  const { rows } = await connection.query<Member>(
    `select ${COLUMNS} from members where tenant_id = $1 and member_id > $2 order by member_id limit $3`,
    [tenantId, after ?? FIRST_ID, limit],
  );
  return rows;
}

export async function countMembers(connection: Connection, tenantId: string): Promise<number> {
  const { rows } = await connection.query<{ count: number }>('select count(*) from members where tenant_id = $1', [
    tenantId,
  ]);
  return rows[0]!.count;
}

/** Returns a member; undefined: no member has this id. */
export async function loadMember(
  connection: Connection,
  tenantId: string,
  memberId: string,
): Promise<Member | undefined> {
  const { rows } = await connection.query<Member>(
    `select ${COLUMNS} from members where tenant_id = $1 and member_id = $2`,
    [tenantId, memberId],
  );
  return rows[0];
}

/** Returns the member with a login or an open invitation like this; undefined: it does not exist. */
export async function findSameMember(
  connection: Connection,
  tenantId: string,
  { issuer, subject, emailHash }: Identity,
): Promise<Member | undefined> {
  const { rows } = await connection.query<Member>(
    `select ${COLUMNS} from members where tenant_id = $1
       and ((issuer = $2 and subject = $3) or email_hash = $4) limit 1`,
    [tenantId, issuer, subject, emailHash],
  );
  return rows[0];
}

/** Identity that a member is recognized by: the login, or until the first login the address. */
export interface Identity {
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly emailHash: string | null;
}

export async function insertMember(
  connection: Connection,
  member: Identity & Omit<Member, 'lastLoginAt'> & { readonly tenantId: string; readonly operationId?: string | null },
): Promise<void> {
  await connection.query(
    `insert into members
       (tenant_id, member_id, issuer, subject, email_hash, email_mask, name, role, added_by, added_at, operation_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      member.tenantId,
      member.memberId,
      member.issuer,
      member.subject,
      member.emailHash,
      member.emailMask,
      member.name,
      member.role,
      JSON.stringify(member.addedBy),
      isoTime(member.addedAt),
      member.operationId ?? null,
    ],
  );
}

/** Returns whether an operation added this member. */
export async function isAddedBy(
  connection: Connection,
  tenantId: string,
  memberId: string,
  operationId: string,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    'select from members where tenant_id = $1 and member_id = $2 and operation_id = $3',
    [tenantId, memberId, operationId],
  );
  return rowCount === 1;
}

export async function updateMember(
  connection: Connection,
  tenantId: string,
  memberId: string,
  { role, name }: { readonly role: Role; readonly name: string },
): Promise<void> {
  await connection.query('update members set role = $3, name = $4 where tenant_id = $1 and member_id = $2', [
    tenantId,
    memberId,
    role,
    name,
  ]);
}

export async function deleteMember(connection: Connection, tenantId: string, memberId: string): Promise<void> {
  await connection.query('delete from members where tenant_id = $1 and member_id = $2', [tenantId, memberId]);
}

/**
 * Returns whether a tenant has an owner who can log in: one who was invited only may never come.
 * @param memberId this member does not count; null: every one does
 */
export async function hasOtherOwner(
  connection: Connection,
  tenantId: string,
  memberId: string | null,
): Promise<boolean> {
  const { rows } = await connection.query(
    "select from members where tenant_id = $1 and member_id <> $2 and role = 'owner' and subject is not null limit 1",
    [tenantId, memberId ?? FIRST_ID],
  );
  return rows.length > 0;
}

/** A tenant of a login, with the role there. */
export interface Membership {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly environment: Environment;
  readonly memberId: string;
  readonly name: string;
  readonly role: Role;
}

/** Memberships of a login that count, at most. */
const MAX_MEMBERSHIPS = 200;

/**
 * Returns the memberships of a login over all tenants, live ones first, then by tenant. A member of a tenant has the same role in
 * its test tenant.
 */
export async function listMemberships(owner: Connection, issuer: string, subject: string): Promise<Membership[]> {
  const { rows } = await owner.query<Membership>(
    `select t.tenant_id as "tenantId", t.name as "tenantName", t.environment, member_id as "memberId", m.name, role
     from members as m
     join tenants as t on t.tenant_id in (m.tenant_id, m.tenant_id || '.test')
     where issuer = $1 and subject = $2
     order by t.environment, t.tenant_id limit ${MAX_MEMBERSHIPS}`,
    [issuer, subject],
  );
  return rows;
}

/**
 * Binds the open invitations of an address, over all tenants, to the login that proved to own it, and records the login.
 * @param emailHash null: the login proved no address
 */
export async function bindLogin(
  owner: Connection,
  login: { readonly issuer: string; readonly subject: string; readonly emailHash: string | null },
  now: Millis,
): Promise<{ readonly tenantId: string; readonly memberId: string }[]> {
  const { rows } = await owner.query<{ tenantId: string; memberId: string }>(
    `update members set issuer = $1, subject = $2, email_hash = null
     where email_hash = $3 and subject is null and not exists (
       select from members as other where other.tenant_id = members.tenant_id and other.issuer = $1 and other.subject = $2)
     returning tenant_id as "tenantId", member_id as "memberId"`,
    [login.issuer, login.subject, login.emailHash],
  );
  await owner.query('update members set last_login_at = $3 where issuer = $1 and subject = $2', [
    login.issuer,
    login.subject,
    isoTime(now),
  ]);
  return rows;
}
