import type { Json, JsonObject } from '../../model/event.ts';

/**
 * How many values a schema holds when each `$ref` is written out: what checking one event can cost. Counts no further than
 * `most`; a schema that leads back to itself is more than that.
 */
export function expandedSize(schema: JsonObject, most: number): number {
  const definitions = (schema.$defs ?? {}) as JsonObject;
  const sizes = new Map<string, number | 'open'>();
  const size = (json: Json): number => {
    if (typeof json !== 'object' || json === null) return 1;
    let sum = 1;
    for (const [key, value] of Object.entries(json)) {
      const name = key === '$ref' && typeof value === 'string' ? definitionName(value) : undefined;
      sum += name === undefined ? size(value) : sizeOf(name);
      if (sum > most) return most + 1;
    }
    return sum;
  };
  const sizeOf = (name: string): number => {
    const known = sizes.get(name);
    if (known === 'open') return most + 1;
    if (known !== undefined) return known;
    sizes.set(name, 'open');
    const found = size(Object.hasOwn(definitions, name) ? definitions[name]! : true);
    sizes.set(name, found);
    return found;
  };
  return size(schema);
}

/** The NAME of `#/$defs/NAME`, the only form of `$ref` there is here. */
export function definitionName(ref: string): string | undefined {
  const name = /^#\/\$defs\/([^/]+)$/.exec(ref)?.[1];
  if (name === undefined) return undefined;
  try {
    return unescapePointer(decodeURIComponent(name));
  } catch {
    // A lone % stands for itself.
    return unescapePointer(name);
  }
}

/** One step of a JSON pointer. */
export function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
