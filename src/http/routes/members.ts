import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { ROLES, type Role } from '../../model/principal.ts';
import { toMemberAddress } from '../../members/member-address.ts';
import { addMember, changeMember, type NewMember, removeMember } from '../../members/members.ts';
import { maskText } from '../../privacy/mask.ts';
import type { Seal } from '../../privacy/seal.ts';
import { listMembers, type Member } from '../../store/members/members.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { limitQuery, problemSchema, storable, timestamp } from './schemas.ts';

const role = z.enum(Object.keys(ROLES) as [Role, ...Role[]]);
const name = storable(z.string().trim().min(1).max(100));

const newMember = z.strictObject({
  email: storable(z.string().max(320)).optional().describe('Address that the provider must have verified at the login'),
  issuer: storable(z.string().min(1).max(512)).optional().describe('With subject, in place of email'),
  subject: storable(z.string().min(1).max(512)).optional(),
  name: name.optional(),
  role,
});

const member = z.object({
  member_id: z.string(),
  name: z.string(),
  role,
  state: z.enum(['invited', 'active']).describe('invited: has not logged in yet'),
  email: z.string().nullable().describe('Mask of the address of the invitation'),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  added_by: z.string(),
  added_at: timestamp,
  last_login_at: timestamp.nullable(),
});

const params = z.object({ member_id: z.string().max(64) });

/** Members: those with access to a tenant, and their roles. */
export function registerMemberRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/members',
    {
      config: { scope: 'members:read' },
      schema: {
        summary: 'List the members of this tenant, the first added first',
        tags: ['access'],
        querystring: z.strictObject({ limit: limitQuery, after: z.string().optional() }),
        response: { 200: z.object({ members: z.array(member), next: z.string().nullable() }), '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId }, query }) => {
      const cursor = readCursor(query.after, ['uuid']);
      const members = await listMembers(database.forTenant(tenantId), tenantId, query.limit, cursor?.[0] ?? null);
      const last = members.length === query.limit ? members.at(-1) : undefined;
      return { members: members.map(toView), next: last ? writeCursor([last.memberId]) : null };
    },
  );

  app.post(
    '/api/v1/members',
    {
      config: { scope: 'members:write' },
      schema: {
        summary: 'Add a member: invite an address, or name a login by issuer and subject',
        tags: ['access'],
        body: newMember,
        response: { 201: member, '4xx': problemSchema },
      },
    },
    async ({ principal, body }, reply) => {
      const command = { pool: database.forTenant(principal.tenantId), principal, now: clock() };
      return reply.status(201).send(toView(await addMember(command, toNewMember(seal, body))));
    },
  );

  app.patch(
    '/api/v1/members/:member_id',
    {
      config: { scope: 'members:write' },
      schema: {
        summary: 'Change the role or the name of a member',
        tags: ['access'],
        params,
        body: z.strictObject({ role: role.optional(), name: name.optional() }),
        response: { 200: member, '4xx': problemSchema },
      },
    },
    async ({ principal, params, body }) => {
      const command = { pool: database.forTenant(principal.tenantId), principal, now: clock() };
      const change = { role: body.role, name: body.name && maskText(body.name) };
      return toView(found(await changeMember(command, requireId(params.member_id), change)));
    },
  );

  app.delete(
    '/api/v1/members/:member_id',
    {
      config: { scope: 'members:write' },
      schema: {
        summary: 'Remove a member, whose sessions end for this tenant at once',
        tags: ['access'],
        params,
        response: { 204: z.null(), '4xx': problemSchema },
      },
    },
    async ({ principal, params }, reply) => {
      const command = { pool: database.forTenant(principal.tenantId), principal, now: clock() };
      found(await removeMember(command, requireId(params.member_id)));
      return reply.status(204).send(null);
    },
  );
}

function toNewMember(seal: Seal, { email, issuer, subject, name, role }: z.infer<typeof newMember>): NewMember {
  const isByLogin = issuer !== undefined && subject !== undefined;
  if ((issuer === undefined) !== (subject === undefined) || isByLogin === (email !== undefined)) {
    throw new TidingsError('invalid_request', 'Write either email, or issuer and subject.', { path: 'email' });
  }
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email.trim())) {
    throw new TidingsError('invalid_request', 'email is not an address; write one such as ann@example.com.', {
      path: 'email',
    });
  }
  const { emailHash, emailMask } =
    email === undefined ? { emailHash: null, emailMask: null } : toMemberAddress(seal, email);
  return {
    issuer: issuer ?? null,
    subject: subject ?? null,
    emailHash,
    emailMask,
    name: name === undefined ? (emailMask ?? 'member') : maskText(name),
    role,
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireId(id: string): string {
  if (UUID.test(id)) return id.toLowerCase();
  throw notFound();
}

function found(member: Member | undefined): Member {
  if (member) return member;
  throw notFound();
}

function notFound(): TidingsError {
  return new TidingsError('not_found', 'This tenant has no such member.');
}

function toView(one: Member): z.infer<typeof member> {
  return {
    member_id: one.memberId,
    name: one.name,
    role: one.role,
    state: one.subject === null ? 'invited' : 'active',
    email: one.emailMask,
    issuer: one.issuer,
    subject: one.subject,
    added_by: one.addedBy.name,
    added_at: isoTime(one.addedAt),
    last_login_at: one.lastLoginAt === null ? null : isoTime(one.lastLoginAt),
  };
}
