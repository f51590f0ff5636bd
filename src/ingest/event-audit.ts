import type { ReceivedEvent } from '../events/envelope.ts';
import type { EventAudit } from '../events/own-events.ts';
import type { JsonObject } from '../model/event.ts';
import type { Terms } from '../model/terms.ts';
import type { AuditEntry } from '../store/audit-log.ts';
import { mergeTerms } from '../users/terms.ts';

/**
 * Returns the entry of the audit log about the change that an event makes.
 * @param termsBefore of its user, without the event
 */
export function toAuditEntry(event: ReceivedEvent, { after, ...entry }: EventAudit, termsBefore: Terms): AuditEntry {
  const { tenantId } = event;
  if (after === undefined) return { ...entry, tenantId };
  if (after !== 'terms') return { ...entry, tenantId, after };
  return { ...entry, tenantId, before: toState(termsBefore), after: toState(mergeTerms(termsBefore, event)) };
}

function toState(terms: Terms): JsonObject {
  return { terms: terms as unknown as JsonObject };
}
