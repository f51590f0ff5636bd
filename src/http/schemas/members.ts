import { z } from 'zod';
import { ROLES, type Role } from '../../model/principal.ts';
import { idOf, listOf, nextCursor, storable, timestamp } from './common.ts';

/* Members of a tenant, and the session of one in the console. */

const role = z.enum(Object.keys(ROLES) as [Role, ...Role[]]).meta({ examples: ['operator'] });
const name = storable(z.string().trim().min(1).max(100)).meta({ examples: ['Ann'] });

export const member = z
  .object({
    member_id: idOf('member'),
    name,
    role,
    state: z.enum(['invited', 'active']).describe('invited: has not logged in yet'),
    email: z
      .string()
      .nullable()
      .meta({ description: 'Mask of the address of the invitation', examples: ['a…@example.com'] }),
    issuer: z.string().nullable().describe('Provider of the login; null: has not logged in yet'),
    subject: z.string().nullable(),
    added_by: z.string().meta({ examples: ['api key 1'] }),
    added_at: timestamp,
    last_login_at: timestamp.nullable(),
  })
  .meta({ id: 'Member', description: 'One with access to this tenant' });

export const memberPage = z
  .object({ members: listOf(member), next: nextCursor })
  .meta({ id: 'MemberPage', description: 'Members in the order in which they were added' });

export const newMember = z
  .strictObject({
    email: storable(z.string().max(320))
      .optional()
      .meta({
        description: 'Address that the provider must have verified at the login',
        examples: ['ann@example.com'],
      }),
    issuer: storable(z.string().min(1).max(512)).optional().describe('With subject, in place of email'),
    subject: storable(z.string().min(1).max(512)).optional(),
    name: name.optional(),
    role,
  })
  .meta({ id: 'NewMember', examples: [{ email: 'ann@example.com', role: 'operator' }] });

export const memberChange = z
  .strictObject({ role: role.optional(), name: name.optional() })
  .meta({ id: 'MemberChange', examples: [{ role: 'editor' }] });

export const session = z
  .object({
    login: z.object({
      oidc: z.boolean().describe('GET /api/v1/login logs in'),
      required: z.boolean().describe('False: programs on this machine may do everything'),
    }),
    actor: z
      .object({ kind: z.string().meta({ examples: ['member'] }), name: z.string().meta({ examples: ['Ann'] }) })
      .nullable()
      .describe('Sender of this request; null: an unknown one'),
    code: z
      .string()
      .nullable()
      .meta({ description: 'Code of docs/errors.md: why there is no actor', examples: [null] }),
    tenant_id: z
      .string()
      .nullable()
      .meta({ examples: ['default'] }),
    environment: z.enum(['live', 'test']).nullable(),
    scopes: listOf(z.string()).describe('Rights of the sender'),
    tenants: listOf(
      z
        .object({
          tenant_id: z.string().meta({ examples: ['default'] }),
          name: z.string(),
          environment: z.enum(['live', 'test']),
          role,
        })
        .meta({ id: 'Membership' }),
    ).describe('Tenants of a member; x-tidings-tenant selects one'),
  })
  .meta({ id: 'Session', description: 'The sender of a request, and its rights' });

export const ownerLink = z
  .strictObject({ link: z.string().max(200).describe('The part after /login/ of the link that a start prints') })
  .meta({ id: 'OwnerLink', examples: [{ link: 'Yk3…' }] });

export const loginResult = z.object({ logged_in: z.boolean() }).meta({ id: 'LoginResult' });
