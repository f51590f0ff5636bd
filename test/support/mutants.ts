/** Documents that differ from an accepted one in one place. */

export interface Mutant {
  /** The change and its place, without positions in lists and names that the author has chosen: `another word: on.trait`. */
  readonly name: string;
  readonly value: unknown;
}

/** Each is right in few places. */
const SHAPES: readonly unknown[] = [null, [], {}, [null], [[]], { zzz: null }];
const WORDS: readonly unknown[] = ['zzz', ' ', 7, -1, 1.5, 100_000, true];

/** Mappings whose keys are names that the author has chosen. */
const NAMED = new Set([
  ...['data', 'set', 'with', 'split', 'properties', 'patternProperties', '$defs', 'dependentSchemas'],
  ...['dependentRequired', 'traits', 'profile', 'booked'],
]);

/** The same change in the same place, in several documents. */
const MAX_REPEATS = 4;

/** Returns the mutants of these documents, each once. */
export function mutantsOf(documents: readonly unknown[]): Mutant[] {
  const found = new Map<string, Mutant>();
  const repeats = new Map<string, number>();
  for (const { change, ...mutant } of documents.flatMap((document) => [...mutate(document, '')])) {
    const count = (repeats.get(change) ?? 0) + 1;
    repeats.set(change, count);
    if (count <= MAX_REPEATS) found.set(JSON.stringify(mutant.value), mutant);
  }
  return [...found.values()];
}

type Change = Mutant & { readonly change: string };

function* mutate(value: unknown, place: string): Generator<Change> {
  const at = place === '' ? 'itself' : place.slice(1);
  for (const other of SHAPES) yield changed(`another shape: ${at}`, other);
  for (const other of WORDS) yield changed(`another word: ${at}`, other);
  if (typeof value === 'string') {
    for (const other of [`${value}x`, value.toUpperCase(), ` ${value} `]) yield changed(`another word: ${at}`, other);
  } else if (Array.isArray(value)) {
    yield changed(`an item twice: ${at}`, [...value, value[0]]);
    for (const [index, item] of value.entries()) {
      for (const inside of mutate(item, place)) yield { ...inside, value: value.with(index, inside.value) };
    }
  } else if (typeof value === 'object' && value !== null) {
    yield* mutateMapping(value as { readonly [key: string]: unknown }, place, at);
  }
}

function* mutateMapping(value: { readonly [key: string]: unknown }, place: string, at: string): Generator<Change> {
  const named = NAMED.has(place.split('.').at(-1)!);
  if (!named) yield changed(`another key: ${at}`, { ...value, zzz: 'zzz' });
  for (const key of Object.keys(value)) {
    const { [key]: part, ...rest } = value;
    const inside = `${place}.${named ? '*' : key}`;
    yield changed(`a key less: ${inside.slice(1)}`, rest);
    for (const one of mutate(part, inside)) yield { ...one, value: { ...value, [key]: one.value } };
  }
}

function changed(name: string, value: unknown): Change {
  return { name, value, change: `${name} ${JSON.stringify(value)}` };
}
