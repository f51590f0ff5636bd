import type { JsonObject } from '../model/event.ts';

/** Path of a field of an event: `event` (its properties) or `traits`, then names; or `context`. A list has no further steps. */
export type FieldPath = readonly string[];

type Root = 'event' | 'traits';

/** The fields that the rules, keys and templates of a catalog name, by the type of the events. */
export class FieldsByType {
  readonly #byType = new Map<string, NamedFields>();
  /** Fields that are named of events of any type. */
  readonly #ofAny = new NamedFields();

  /** @param type undefined: events of any type @param path one of a single step names all fields */
  add(type: string | undefined, path: FieldPath): void {
    if (type === undefined) {
      this.#ofAny.add(path);
      for (const fields of this.#byType.values()) fields.add(path);
      return;
    }
    let fields = this.#byType.get(type);
    if (!fields) {
      fields = new NamedFields(this.#ofAny.paths);
      this.#byType.set(type, fields);
    }
    fields.add(path);
  }

  /** Returns the fields that are named of events of a type. */
  of(type: string): NamedFields {
    return this.#byType.get(type) ?? this.#ofAny;
  }
}

/** Fields of an event. */
export class NamedFields {
  /** The paths of each member of properties and traits, by `root name`. */
  readonly #byMember = new Map<string, FieldPath[]>();
  readonly #wholes = new Set<string>();

  constructor(paths: readonly FieldPath[] = []) {
    for (const path of paths) this.add(path);
  }

  /** Each once. */
  get paths(): readonly FieldPath[] {
    return [...[...this.#wholes].map((root) => [root]), ...[...this.#byMember.values()].flat()];
  }

  add(path: FieldPath): void {
    const [root = '', member] = path;
    if (member === undefined) {
      this.#wholes.add(root);
      return;
    }
    const name = `${root} ${member}`;
    const known = this.#byMember.get(name);
    if (!known) this.#byMember.set(name, [path]);
    else if (!known.some((one) => one.length === path.length && isPrefix(one, path))) known.push(path);
  }

  /** Returns whether a field is named, or a part of it, or an object that it is part of. */
  touches(path: FieldPath): boolean {
    const [root = '', member = ''] = path;
    if (this.#wholes.has(root)) return true;
    const named = this.#byMember.get(`${root} ${member}`);
    return named?.some((one) => isPrefix(one, path) || isPrefix(path, one)) ?? false;
  }

  /** Returns the members of properties or traits that are named, or of which a part is. */
  keepMembers(object: JsonObject, root: Root): JsonObject {
    if (this.#wholes.has(root)) return object;
    return Object.fromEntries(Object.entries(object).filter(([member]) => this.#byMember.has(`${root} ${member}`)));
  }
}

function isPrefix(path: FieldPath, other: FieldPath): boolean {
  return path.length <= other.length && path.every((step, index) => step === other[index]);
}
