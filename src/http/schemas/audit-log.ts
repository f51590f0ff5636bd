import { z } from 'zod';
import type { AuditEntryView } from '../../store/audit-log.ts';
import {
  cursorQuery,
  idOf,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  timestamp,
  timeText,
} from './common.ts';

/* The audit log: who changed what. */

const ACTOR_KINDS = ['key', 'member', 'user', 'portal', 'local', 'system'] as const;

const entry = z
  .object({
    entry_id: idOf('entry'),
    at: timestamp,
    actor: z.string().meta({ description: 'Who: a name, never a secret', examples: ['api key 1'] }),
    actor_kind: z.enum(ACTOR_KINDS),
    actor_id: z.string().meta({ description: 'Id of the key, member, …', examples: ['4fT0kQzB'] }),
    from: z
      .string()
      .nullable()
      .meta({ description: 'Network of the caller, or cli; null: Tidings itself', examples: ['203.0.113.0/24'] }),
    action: z.string().meta({ description: 'SUBJECT.VERB', examples: ['delivery.retried'] }),
    subject: z
      .string()
      .meta({ description: 'What was changed', examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email'] }),
    detail: jsonObject,
    before: jsonObject.nullable().describe('State before the change; null: none'),
    after: jsonObject.nullable().describe('State after the change; null: none'),
  })
  .meta({
    id: 'AuditEntry',
    description: 'One change, and the actor that made it',
  }) satisfies z.ZodType<AuditEntryView>;

export const auditLogPage = z
  .object({ entries: listOf(entry), next: nextCursor })
  .meta({ id: 'AuditLogPage', description: 'Changes, newest first. A page may be short and still have a next' });

const time = timeText().refine((text) => Date.parse(text) >= 0, 'is before 1970');

const filter = {
  actor: pathText.optional().meta({ description: 'Id or name of the actor' }),
  actor_kind: z.enum(ACTOR_KINDS).optional(),
  action: pathText.optional().meta({ description: 'An action such as key.revoked, or key for all of keys' }),
  subject: pathText.optional(),
  since: time.optional().meta({ description: 'At or after this time' }),
  until: time.optional().meta({ description: 'Before this time' }),
};

export const auditQuery = z.strictObject({ limit: limitQuery, after: cursorQuery, ...filter });

export const auditExportQuery = z.strictObject(filter);

export const auditExport = z.string().meta({
  id: 'AuditLogExport',
  description: 'NDJSON: one AuditEntry a line, newest first',
  examples: ['{"entry_id":"01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e","action":"key.created"}\n'],
});
