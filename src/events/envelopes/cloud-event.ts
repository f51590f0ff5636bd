import { parseExactJson } from '../../lib/text/exact-json.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { contentUuid } from '../content.ts';
import type { EnvelopeKind } from './kinds.ts';

/** Attributes that are parts of the event itself, and not of its context. */
const PARTS_OF_EVENT: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'type', 'time', 'data', 'data_base64', 'datacontenttype'],
]);

/** Extension attributes, whose names have no separators, by the names that the context gives them. */
const CONTEXT_NAMES: ReadonlyMap<string, string> = new Map([
  ['correlationid', 'correlation_id'],
  ['causationid', 'causation_id'],
]);

const MAX_ID_CHARS = 256;

/** CloudEvents 1.0. Its identity is `source` and `id` together. */
export const CLOUD_EVENT: EnvelopeKind = {
  name: 'a CloudEvent',
  type: 'type',
  defaults: {
    user_id: { from: ['data.userId', 'data.user_id'] },
    event_id: { from: ['id'] },
    time: { from: ['time'] },
    properties: { from: ['data'] },
    traits: { from: ['data.userTraits', 'data.user_traits'] },
  },
  check(item) {
    if (item.specversion !== '1.0')
      return { path: 'specversion', message: 'must be "1.0", the version of CloudEvents' };
    const missing = ['id', 'source', 'type'].find((name) => typeof item[name] !== 'string' || item[name] === '');
    if (missing) return { path: missing, message: 'must be a text that is not empty, as in every CloudEvent' };
    return undefined;
  },
  normalize({ datacontenttype, data_base64: encoded, ...item }) {
    if (encoded === undefined || encoded === null) return { original: item };
    const path = 'data_base64';
    if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(encoded))
      return { path, message: 'is not base64' };
    if (item.data !== undefined) return { path, message: 'cannot be combined with data; keep one of them' };
    if (typeof datacontenttype === 'string' && !/[/+]json\s*(;|$)/i.test(datacontenttype)) {
      return { path: 'datacontenttype', message: 'must be JSON, such as application/json: other data cannot be read' };
    }
    try {
      return { original: { ...item, data: parseExactJson(Buffer.from(encoded, 'base64').toString()) as Json } };
    } catch {
      return { path, message: 'must be JSON in base64: other data cannot be read' };
    }
  },
  identify({ source, id }) {
    // A URI has no space: one is written as %20. So two sources never make one id of two, whatever their ids are.
    const text = `${(source as string).replaceAll(' ', '%20')} ${id as string}`;
    return text.length > MAX_ID_CHARS ? contentUuid(text) : text;
  },
  toContext(item) {
    const context: JsonObject = {};
    for (const [name, value] of Object.entries(item)) {
      if (PARTS_OF_EVENT.has(name) || value === null) continue;
      context[CONTEXT_NAMES.get(name) ?? name] = value;
    }
    return context;
  },
};
