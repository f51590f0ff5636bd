import type { Json, JsonObject } from '../../model/event.ts';
import type { EventMapping, ObjectSource, Source } from '../../model/mapping.ts';
import { CLOUD_EVENT } from './cloud-event.ts';
import { DOMAIN_EVENT } from './domain-event.ts';
import { type EnvelopeKind, tellEnvelope } from './kinds.ts';
import { parsePath, readPath, type Steps } from './path.ts';

/** A CloudEvent or domain event whose parts have been found, but are not checked yet. */
export interface Translated {
  readonly kind: EnvelopeKind;
  /** The item, normalized. Equal events are equal here, whatever the catalog maps. */
  readonly original: JsonObject;
  /** An item in the envelope of Tidings. A part without a value is absent. */
  readonly item: { readonly [field: string]: Json };
  /** Paths of the original by those of the item: `data.userId` by `user_id`. */
  readonly origins: ReadonlyMap<string, string>;
}

/** A mistake that keeps an item from being translated. `path` is of the item as posted. */
export interface Untranslatable {
  readonly path: string;
  readonly message: string;
}

/** The mappings of a catalog, compiled. */
export interface Mappings {
  /** Returns undefined for an item in the envelope of Tidings. Never throws. */
  translate(item: unknown): Translated | Untranslatable | undefined;
  /** Returns the user of an item in any envelope; an empty text if it names none. Never throws. */
  getUserId(item: unknown): string;
}

/** Finds a value in an original: undefined without one. */
type Find = (original: JsonObject) => { readonly value: Json; readonly path: string } | undefined;

interface CompiledMapping {
  readonly parts: readonly (readonly [field: string, find: Find, first: string])[];
  readonly objects: readonly (readonly [
    field: string,
    find: (original: JsonObject, origins: Map<string, string>) => Json | undefined,
  ])[];
  /** Whether the event id is the one that the mapping names. */
  readonly namesId: boolean;
}

const FIELDS = { user_id: 'user_id', event_id: 'event_id', time: 'event_timestamp' } as const;
const OBJECT_FIELDS = { properties: 'properties', traits: 'user_traits' } as const;
const KINDS = { cloud_event: CLOUD_EVENT, domain_event: DOMAIN_EVENT };

/**
 * Compiles the mappings of a catalog: each part of an event comes from where the mapping of its type says, or else the
 * mapping of the catalog, or else the envelope's habit.
 */
export function compileMappings(data: {
  readonly mapping?: EventMapping;
  readonly events: readonly { readonly name: string; readonly mapping?: EventMapping }[];
}): Mappings {
  const byType = new Map<string, EventMapping>();
  for (const { name, mapping } of data.events) if (mapping) byType.set(name, { ...data.mapping, ...mapping });
  const compiled = new Map<string, CompiledMapping>();
  const mappingOf = (envelope: keyof typeof KINDS, type: string) => {
    const own = byType.get(type);
    const key = `${envelope} ${own ? type : ''}`;
    const known = compiled.get(key);
    if (known) return known;
    const made = compileMapping(KINDS[envelope], own ?? data.mapping ?? {});
    // At most two entries for each event type of the catalog, and two for all others.
    compiled.set(key, made);
    return made;
  };
  const translate = (item: unknown): Translated | Untranslatable | undefined => {
    const envelope = tellEnvelope(item);
    if (envelope === 'own') return undefined;
    const kind = KINDS[envelope];
    const posted = item as JsonObject;
    const mistake = kind.check(posted);
    if (mistake) return mistake;
    const normalized = kind.normalize(posted);
    if (!('original' in normalized)) return normalized;
    const { original } = normalized;
    const type = original[kind.type] as Json;
    return toOwnItem(kind, original, mappingOf(envelope, typeof type === 'string' ? type : ''));
  };
  return {
    translate,
    getUserId(item) {
      const own = (item as { user_id?: unknown } | null)?.user_id;
      if (typeof own === 'string') return own;
      const translated = translate(item);
      const id = translated && 'item' in translated ? translated.item.user_id : undefined;
      return typeof id === 'string' ? id : '';
    },
  };
}

function toOwnItem(kind: EnvelopeKind, original: JsonObject, mapping: CompiledMapping): Translated {
  const item: { [field: string]: Json } = {};
  const origins = new Map<string, string>([['event_type', kind.type]]);
  item.event_type = original[kind.type] as Json;
  for (const [field, find, first] of mapping.parts) {
    const found = find(original);
    origins.set(field, found?.path ?? first);
    if (found) item[field] = found.value;
  }
  if (!mapping.namesId) {
    const id = kind.identify(original);
    if (id !== undefined) item.event_id = id;
  }
  for (const [field, find] of mapping.objects) {
    const value = find(original, origins);
    if (value !== undefined) item[field] = value;
  }
  const context = kind.toContext(original);
  for (const _ in context) {
    item.context = context;
    break;
  }
  return { kind, original, item, origins };
}

function compileMapping({ defaults }: EnvelopeKind, mapping: EventMapping): CompiledMapping {
  const parts = (['user_id', 'event_id', 'time'] as const).map((part) => {
    const source = mapping[part] ?? defaults[part];
    return [FIELDS[part], compileSource(source), source.from[0] as string] as const;
  });
  const objects = (['properties', 'traits'] as const).map((part) => {
    return [OBJECT_FIELDS[part], compileObject(OBJECT_FIELDS[part], mapping[part] ?? defaults[part])] as const;
  });
  return { parts, objects, namesId: mapping.event_id !== undefined };
}

function compileSource({ from }: Source): Find {
  const paths = from.map((path) => [path, toSteps(path)] as const);
  return (original) => {
    for (const [path, steps] of paths) {
      const value = readPath(original, steps);
      if (value !== undefined && value !== null) return { value, path };
    }
    return undefined;
  };
}

function compileObject(field: string, source: ObjectSource): CompiledMapping['objects'][number][1] {
  if (!('fields' in source)) {
    const find = compileSource(source);
    return (original, origins) => {
      const found = find(original);
      if (found) origins.set(field, found.path);
      return found?.value;
    };
  }
  const fields = Object.entries(source.fields).map(([name, one]) => [name, compileSource(one)] as const);
  return (original, origins) => {
    const values: [string, Json][] = [];
    for (const [name, find] of fields) {
      const found = find(original);
      if (!found) continue;
      values.push([name, found.value]);
      origins.set(`${field}.${name}`, found.path);
    }
    return Object.fromEntries(values);
  };
}

/** @throws Error for text that is not a path, which a checked catalog never has */
function toSteps(path: string): Steps {
  const parsed = parsePath(path);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.steps;
}
