import type { Json, JsonObject } from '../../model/event.ts';

/**
 * Returns the number of values in a schema after each `$ref` is expanded, which bounds the cost of validating one event.
 * Stops counting at `max`: a larger schema, and one that refers to itself, returns `max + 1`.
 */
export function expandedSize(schema: JsonObject, max: number): number {
  const definitions = (schema.$defs ?? {}) as JsonObject;
  const sizes = new Map<string, number | 'open'>();
  const size = (json: Json): number => {
    if (typeof json !== 'object' || json === null) return 1;
    let sum = 1;
    for (const [key, value] of Object.entries(json)) {
      const name = key === '$ref' && typeof value === 'string' ? getDefinitionName(value) : undefined;
      sum += name === undefined ? size(value) : definitionSize(name);
      if (sum > max) return max + 1;
    }
    return sum;
  };
  const definitionSize = (name: string): number => {
    const known = sizes.get(name);
    if (known === 'open') return max + 1;
    if (known !== undefined) return known;
    sizes.set(name, 'open');
    const found = size(Object.hasOwn(definitions, name) ? definitions[name]! : true);
    sizes.set(name, found);
    return found;
  };
  return size(schema);
}

/** Returns the NAME of `#/$defs/NAME`, the only supported form of `$ref`; undefined for any other form. */
export function getDefinitionName(ref: string): string | undefined {
  const name = /^#\/\$defs\/([^/]+)$/.exec(ref)?.[1];
  if (name === undefined) return undefined;
  try {
    return unescapePointer(decodeURIComponent(name));
  } catch {
    // A % that begins no escape sequence stands for itself.
    return unescapePointer(name);
  }
}

/** Decodes one step of a JSON pointer (RFC 6901). */
export function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
