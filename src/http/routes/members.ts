import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { toMemberAddress } from '../../members/member-address.ts';
import { addMember, changeMember, type NewMember, removeMember } from '../../members/members.ts';
import { maskText } from '../../privacy/mask.ts';
import type { Seal } from '../../privacy/seal.ts';
import { listMembers, type Member } from '../../store/members/members.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { pageQuery } from '../schemas/common.ts';
import { member, memberChange, memberPage, newMember } from '../schemas/members.ts';

const params = z.object({
  member_id: z
    .string()
    .max(64)
    .meta({ examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] }),
});

/** Members: those with access to a tenant, and their roles. */
export function registerMemberRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/members',
    {
      config: { scope: 'members:read' },
      schema: {
        operationId: 'listMembers',
        summary: 'List the members of this tenant, the first added first',
        tags: ['members'],
        querystring: pageQuery,
        response: { 200: memberPage },
      },
    },
    async (request) => {
      const { tenantId } = request.principal;
      const { limit } = request.query;
      const after = cursors.read(request, ['uuid'])?.[0] ?? null;
      const members = await listMembers(database.forTenant(tenantId), tenantId, limit, after);
      return { members: members.map(toView), next: cursors.next(request, members, limit, (last) => [last.memberId]) };
    },
  );

  app.post(
    '/api/v1/members',
    {
      config: { scope: 'members:write', errors: ['member_exists', 'too_many_members'] },
      schema: {
        operationId: 'addMember',
        summary: 'Add a member: invite an address, or name a login by issuer and subject',
        tags: ['members'],
        body: newMember,
        response: { 201: member },
      },
    },
    async ({ principal, body, operationId }, reply) => {
      const command = { pool: database.forTenant(principal.tenantId), principal, now: clock() };
      return reply.status(201).send(toView(await addMember(command, toNewMember(seal, body), operationId)));
    },
  );

  app.patch(
    '/api/v1/members/:member_id',
    {
      config: { scope: 'members:write', errors: ['not_found', 'last_owner'] },
      schema: {
        operationId: 'changeMember',
        summary: 'Change the role or the name of a member',
        tags: ['members'],
        params,
        body: memberChange,
        response: { 200: member },
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
      config: { scope: 'members:write', errors: ['not_found', 'last_owner'] },
      schema: {
        operationId: 'removeMember',
        summary: 'Remove a member, whose sessions end for this tenant at once',
        tags: ['members'],
        params,
        response: { 200: member },
      },
    },
    async ({ principal, params }) => {
      const command = { pool: database.forTenant(principal.tenantId), principal, now: clock() };
      return toView(found(await removeMember(command, requireId(params.member_id))));
    },
  );
}

function toNewMember(seal: Seal, { email, issuer, subject, name, role }: z.infer<typeof newMember>): NewMember {
  const isByLogin = issuer !== undefined && subject !== undefined;
  if ((issuer === undefined) !== (subject === undefined) || isByLogin === (email !== undefined)) {
    throw new TidingsError('invalid_request', 'Write either email, or issuer and subject.', { pointer: '/email' });
  }
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email.trim())) {
    throw new TidingsError('invalid_request', 'email is not an address; write one such as ann@example.com.', {
      pointer: '/email',
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
    last_login_at: isoTimeOrNull(one.lastLoginAt),
  };
}
