import { z } from 'zod';
import type { AuditEntryView } from '../../store/audit-log.ts';
import { idOf, jsonObject, listOf, nextCursor, timestamp } from './common.ts';

const entry = z
  .object({
    entry_id: idOf('entry'),
    at: timestamp,
    actor: z.string().meta({ description: 'Who: a name, never a secret', examples: ['api key 1'] }),
    action: z.string().meta({ description: 'SUBJECT.VERB', examples: ['delivery.retried'] }),
    subject: z
      .string()
      .meta({ description: 'What was changed', examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email'] }),
    detail: jsonObject,
  })
  .meta({
    id: 'AuditEntry',
    description: 'One change by someone, or by a program',
  }) satisfies z.ZodType<AuditEntryView>;

export const auditLogPage = z
  .object({ entries: listOf(entry), next: nextCursor })
  .meta({ id: 'AuditLogPage', description: 'Changes, newest first' });
