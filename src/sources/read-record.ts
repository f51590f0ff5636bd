import { isUtf8 } from 'node:buffer';
import type { KafkaRecord } from '../kafka/client.ts';
import { parseExactJson } from '../lib/text/exact-json.ts';
import type { Json, JsonObject, Millis } from '../model/event.ts';
import type { KafkaMessage, SourceFormat } from '../model/source.ts';
import { isoTime, LAST_TIME } from '../time/iso-time.ts';

/** Headers of a message that are read, at most. */
const MAX_HEADERS = 100;
/** Bytes of a value that is read; an event has at most 1 MiB. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

/** A record as a source reads it, and the value as text for the quarantine. */
export interface ReadRecord {
  readonly message: KafkaMessage;
  /** The value, if it is not JSON: its text, or its bytes in base64. */
  readonly raw: { readonly text: string } | { readonly base64: string } | undefined;
}

/** Reads a record. Never throws: what is not JSON has no value. */
export function readRecord(record: KafkaRecord, format: SourceFormat): ReadRecord {
  const { topic, partition, offset, key, value } = record;
  const headers = Object.fromEntries(
    record.headers.slice(0, MAX_HEADERS).map(([name, bytes]) => [name, toText(bytes)] as const),
  );
  const parsed = parseValue(value);
  const isRead = parsed !== undefined;
  const message: KafkaMessage = {
    topic,
    partition,
    offset: Number(offset),
    timestamp: isoTime(clampTime(record.timestamp)),
    key: key && toText(key),
    headers,
    value: isRead && format === 'cloudevents' ? toCloudEvent(parsed, headers) : parsed,
  };
  return { message, raw: isRead || value === null ? undefined : toRaw(value) };
}

function parseValue(value: Buffer | null): Json | undefined {
  if (value === null || value.length === 0) return null;
  if (value.length > MAX_VALUE_BYTES || !isUtf8(value)) return undefined;
  try {
    return parseExactJson(value.toString()) as Json;
  } catch {
    return undefined;
  }
}

function toRaw(value: Buffer): NonNullable<ReadRecord['raw']> {
  const part = value.subarray(0, MAX_VALUE_BYTES);
  return isUtf8(part) ? { text: part.toString() } : { base64: part.toString('base64') };
}

/** Text is UTF-8; other bytes are shown as base64. */
function toText(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : bytes.toString('base64');
}

function clampTime(time: bigint): Millis {
  return Math.min(Math.max(Number(time), 0), LAST_TIME);
}

/**
 * The Kafka protocol binding of CloudEvents 1.0: in binary mode the attributes are headers `ce_…` and the value is the data; in
 * structured mode the value is the event. The type of the data stands in `content-type`, and some producers write
 * `ce_datacontenttype` instead.
 */
function toCloudEvent(value: Json, headers: { readonly [name: string]: string }): Json {
  const all = Object.entries(headers).map(([name, one]) => [name.toLowerCase(), one] as const);
  const type = all.find(([name]) => name === 'content-type')?.[1] ?? '';
  const isBinary = all.some(([name]) => name === 'ce_specversion') && !/^application\/cloudevents/i.test(type);
  if (!isBinary) {
    // Marked as what the source says it is, so that one that lacks its version is rejected for that.
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !('specversion' in value)
      ? { specversion: null, ...value }
      : value;
  }
  const attributes: JsonObject = Object.fromEntries(
    all.filter(([name]) => name.startsWith('ce_')).map(([name, one]) => [name.slice('ce_'.length), one] as const),
  );
  return {
    ...(type !== '' && { datacontenttype: type }),
    ...attributes,
    ...(value !== null && { data: value }),
  };
}
