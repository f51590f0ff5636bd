import type { JsonObject } from '../model/event.ts';

/** Path of a field of an event: `event` (its properties) or `traits`, then names. A list has no further steps. */
export type FieldPath = readonly string[];

type Root = 'event' | 'traits';

/** The fields of events that the rules, keys and templates of a catalog name. */
export class NamedFields {
  readonly paths: readonly FieldPath[];
  /** The paths of each member of properties and traits, by `root name`. */
  readonly #byMember = new Map<string, FieldPath[]>();
  readonly #wholes = new Set<string>();

  /** @param paths a path of one step names all fields */
  constructor(paths: readonly FieldPath[]) {
    const distinct = new Map(paths.map((path) => [JSON.stringify(path), path]));
    this.paths = [...distinct.values()];
    for (const path of this.paths) {
      const [root = '', member] = path;
      if (member === undefined) this.#wholes.add(root);
      else {
        const name = `${root} ${member}`;
        this.#byMember.set(name, [...(this.#byMember.get(name) ?? []), path]);
      }
    }
  }

  /** Returns whether a field is named, or a part of it, or an object that it is part of. */
  touches(path: FieldPath): boolean {
    const [root = '', member = ''] = path;
    if (this.#wholes.has(root)) return true;
    return (
      this.#byMember.get(`${root} ${member}`)?.some((named) => isPrefix(named, path) || isPrefix(path, named)) ?? false
    );
  }

  /** Returns whether a member of properties or traits is named, or a part of it. */
  namesMember(root: Root, member: string): boolean {
    return this.#wholes.has(root) || this.#byMember.has(`${root} ${member}`);
  }
}

/** Returns the members of properties or traits that are named, or of which a part is. */
export function keepNamedMembers(object: JsonObject, root: Root, named: NamedFields): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([member]) => named.namesMember(root, member)));
}

function isPrefix(path: FieldPath, other: FieldPath): boolean {
  return path.length <= other.length && path.every((step, index) => step === other[index]);
}
