import type { OutgoingMessage } from '../kafka/client.ts';
import type { JsonObject } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import type { OriginalMessage, WaitingMessage } from '../store/kafka/outbox.ts';

/** Prefix of the headers by which a dead letter says why it is one. */
const LETTER_PREFIX = 'tidings_';
/** Characters of a header of a dead letter, at most. */
const MAX_HEADER_CHARS = 1000;

/** Returns a row of the outbox as its topic gets it; undefined: what is sealed cannot be opened. */
export function toMessage(seal: Seal, tenantId: string, row: WaitingMessage): OutgoingMessage | undefined {
  const originals =
    row.sealed === null ? null : openDocument(seal, row.sealed, documentRow('kafka_outbox', tenantId, row.messageId));
  if (originals === undefined) return undefined;
  if (row.kind === 'dead_letter') return toDeadLetter(row, originals as unknown as OriginalMessage);
  return toCloudEvent(tenantId, row, originals);
}

/** The Kafka protocol binding of CloudEvents 1.0. */
function toCloudEvent(tenantId: string, row: WaitingMessage, originals: JsonObject | null): OutgoingMessage {
  const dataText = originals ? JSON.stringify({ ...(JSON.parse(row.dataText) as object), ...originals }) : row.dataText;
  const attributes = {
    specversion: '1.0',
    id: row.eventId,
    source: `/tidings/${encodeURIComponent(tenantId)}`,
    type: row.type,
    time: row.at,
    ...(row.userId !== '' && { subject: row.userId }),
  };
  const traceparent = row.traceparent ?? findTraceparent(dataText);
  const beside: [string, string][] = [
    ['tenant', tenantId],
    ...(traceparent === undefined ? [] : [['traceparent', traceparent] as [string, string]]),
  ];
  const key = row.key === null ? null : Buffer.from(row.key);
  if (row.isStructured) {
    const envelope = JSON.stringify({ ...attributes, datacontenttype: 'application/json' });
    const value = Buffer.from(`${envelope.slice(0, -1)},"data":${dataText}}`);
    return { key, value, headers: toHeaders([['content-type', STRUCTURED], ...beside]) };
  }
  const named = Object.entries(attributes).map(([name, one]): [string, string] => [`ce_${name}`, one]);
  return {
    key,
    value: Buffer.from(dataText),
    headers: toHeaders([...named, ['content-type', 'application/json'], ...beside]),
  };
}

const STRUCTURED = 'application/cloudevents+json; charset=utf-8';

/** The trace of an event stands in its context. */
function findTraceparent(dataText: string): string | undefined {
  if (!dataText.includes('"traceparent"')) return undefined;
  const { context } = JSON.parse(dataText) as { readonly context?: { readonly traceparent?: unknown } };
  return typeof context?.traceparent === 'string' ? context.traceparent : undefined;
}

/** A message as its topic had it, with headers that say why it was rejected, and where it was. */
function toDeadLetter({ dataText, messageId }: WaitingMessage, original: OriginalMessage): OutgoingMessage {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  const data = JSON.parse(dataText) as JsonObject;
  const reasons = Object.entries({ id: messageId, ...data }).map(([name, value]): [string, string] => [
    `${LETTER_PREFIX}${name}`,
    String(value).slice(0, MAX_HEADER_CHARS),
  ]);
  const own = original.headers.map(([name, value]) => [name, Buffer.from(value, 'base64')] as const);
  return { key: bytes(original.key), value: bytes(original.value), headers: [...own, ...toHeaders(reasons)] };
}

function toHeaders(texts: readonly (readonly [string, string])[]): (readonly [string, Buffer])[] {
  return texts.map(([name, text]) => [name, Buffer.from(text)] as const);
}
