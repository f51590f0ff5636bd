import type { ReceivedEvent } from '../events/envelope.ts';
import type { Json } from '../model/event.ts';
import type { ConsentState } from '../model/terms.ts';
import { documentRow, sealDocument } from '../privacy/documents.ts';
import type { ConsentRow } from '../store/consents.ts';
import type { FactsContext } from './load-facts.ts';

/** Returns the row of a consent, as its event states it, with its evidence sealed. */
export function toConsentRow({ tenantId, seal, ids }: FactsContext, event: ReceivedEvent): ConsentRow {
  const { userId, time, properties, beside } = event;
  const evidence = beside?.evidence;
  const text = (name: string): string | null => toText(properties[name]);
  const consentId = text('evidence_id') ?? ids.fresh();
  const by = properties.by as { readonly kind?: Json; readonly id?: Json } | undefined;
  return {
    userId,
    consentId,
    purpose: text('purpose') ?? '',
    channel: text('channel') ?? '',
    state: properties.state as ConsentState,
    addressHash: text('address_hash'),
    addressMask: text('address'),
    source: text('source'),
    method: text('method'),
    wordingVersion: text('wording_version'),
    locale: text('locale'),
    recordedBy: `${toText(by?.kind) ?? 'system'} ${toText(by?.id) ?? 'tidings'}`,
    at: time,
    sealed: evidence
      ? sealDocument(seal, JSON.stringify(evidence), documentRow('consents', tenantId, userId, consentId))
      : null,
  };
}

function toText(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
