import type { Json, JsonObject } from '../../model/event.ts';
import { suggest } from '../parse/suggest.ts';
import { type Tree, toJson, type YamlFile } from '../parse/yaml.ts';
import { FORMATS, linearRegExp, newAjv } from './ajv.ts';
import { DIALECT, JSON_TYPES, KEYWORDS, keywordHint, SHORT_TYPES, typeHint } from './schema-keywords.ts';
import { definitionName, expandedSize, unescapePointer } from './schema-size.ts';

// What a schema comes to when each $ref is written out: bounds the time that checking one event takes.
const LARGEST = 5000;

/**
 * `{ amount: number, items: { type: array, items: string } }` as the JSON Schema of an object; other keys are allowed.
 * Where nothing is named, nothing is declared.
 */
export function shortSchema(file: YamlFile, what: string, properties: Tree, required?: Tree): JsonObject | undefined {
  if (properties.kind === 'null' || (properties.kind === 'map' && properties.entries.length === 0)) return undefined;
  const reader = new SchemaReader(file);
  const schema: JsonObject = { type: 'object', properties: reader.map(properties, what) };
  if (required) schema.required = toJson(required);
  const locate = (path: readonly string[]) =>
    path[0] === 'required' && required ? find(required, path.slice(1)) : find(properties, path.slice(1));
  if (!reader.finish(schema, locate) || !requiredAreNamed(file, properties, required)) return undefined;
  return schema;
}

/** A full JSON Schema (2020-12) of an object, as it is written. */
export function fullSchema(file: YamlFile, tree: Tree): JsonObject | undefined {
  const reader = new SchemaReader(file);
  const schema = reader.schema(tree);
  if (typeof schema !== 'object') return undefined;
  if (schema.type !== undefined && schema.type !== 'object') {
    file.problem(tree.at, 'the schema must be of type object', 'properties are always an object');
    return undefined;
  }
  return reader.finish(schema, (path) => find(tree, path)) ? schema : undefined;
}

// Costly to make; it forgets each schema after the check.
let shared: ReturnType<typeof newAjv> | undefined;

class SchemaReader {
  readonly #file: YamlFile;
  readonly #refs: { readonly at: number; readonly name: string }[] = [];
  #broken = false;

  constructor(file: YamlFile) {
    this.#file = file;
  }

  /** True when nothing was wrong, Ajv agrees, and each $ref leads somewhere that ends. */
  finish(schema: JsonObject, locate: (path: readonly string[]) => Tree): boolean {
    if (this.#broken) return false;
    const start = locate([]).at;
    if (!this.#refsEnd(schema, start)) return false;
    shared ??= newAjv();
    const ajv = shared;
    if (!ajv.validateSchema(schema)) {
      const error = ajv.errors?.[0];
      const path = (error?.instancePath ?? '').split('/').slice(1).map(unescapePointer);
      const what = path.at(-1) ?? 'the schema';
      return this.#wrong(locate(path).at, `${JSON.stringify(what)} ${error?.message ?? 'is not valid'}`);
    }
    try {
      ajv.compile(schema);
      return true;
    } catch (error) {
      return this.#wrong(start, `the schema cannot be used: ${String((error as Error).message).slice(0, 200)}`);
    } finally {
      ajv.removeSchema(schema);
    }
  }

  map(tree: Tree, what: string): JsonObject {
    if (tree.kind !== 'map') {
      this.#wrong(tree.at, `"${what}" must be a mapping`, `${what}: { amount: number, currency: string }`);
      return {};
    }
    return Object.fromEntries(tree.entries.map((entry) => [entry.key, this.schema(entry.value)]));
  }

  schema(tree: Tree): JsonObject | boolean {
    switch (tree.kind) {
      case 'text':
        return this.#short(tree.at, tree.text);
      case 'boolean':
        return tree.value;
      case 'map':
        return Object.fromEntries(
          tree.entries.map((entry) => [entry.key, this.#keyword(entry.key, entry.at, entry.value, tree)]),
        );
      case 'list':
        this.#wrong(tree.at, 'a type is needed here, not a list', 'for certain values only: { enum: [A, B] }');
        return true;
      default:
        this.#wrong(tree.at, 'a type is needed here', `one of: ${Object.keys(SHORT_TYPES).join(', ')}`);
        return true;
    }
  }

  #short(at: number, written: string): JsonObject | boolean {
    const known = Object.hasOwn(SHORT_TYPES, written) ? SHORT_TYPES[written] : undefined;
    if (known) return { ...known };
    if (written.endsWith('?')) {
      const type = written.slice(0, -1);
      const hint = `everything may be left out already; write ${type}, or { type: [${type}, 'null'] } if it may be null`;
      this.#wrong(at, `unknown type ${JSON.stringify(written)}`, hint);
    } else {
      const hint = typeHint(written, Object.keys(SHORT_TYPES));
      this.#wrong(at, `unknown type ${JSON.stringify(written.slice(0, 60))}`, hint);
    }
    return true;
  }

  #keyword(keyword: string, at: number, value: Tree, parent: Tree): Json {
    const holds = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    switch (holds) {
      case 'schema':
        return this.schema(value);
      case 'schemas':
        if (value.kind === 'list') return value.items.map((item) => this.schema(item));
        break;
      case 'schema map':
        if (keyword === 'patternProperties' && value.kind === 'map') {
          for (const entry of value.entries) this.#pattern(entry.at, entry.key);
        }
        return this.map(value, keyword);
      case 'type':
        return this.#type(value);
      case 'ref':
        return this.#ref(value);
      case 'pattern':
        if (value.kind === 'text') this.#pattern(value.at, value.text);
        break;
      case 'format':
        if (value.kind === 'text' && !(FORMATS as readonly string[]).includes(value.text)) {
          this.#wrong(value.at, `unknown format ${JSON.stringify(value.text)}`, suggest(value.text, FORMATS));
        }
        break;
      case 'unique':
        if (!hasScalarItems(parent)) {
          // Lists of objects are compared each with each: too slow for a list that a caller makes as long as he likes.
          this.#wrong(at, '"uniqueItems" needs items of a plain type', 'items: string');
        }
        break;
      case 'enum':
        if (value.kind !== 'list' || value.items.length === 0) {
          this.#wrong(value.at, '"enum" needs a list of values', 'enum: [EUR, USD]');
        }
        break;
      case 'dialect':
        if (value.kind !== 'text' || value.text !== DIALECT) {
          this.#wrong(value.at, 'the schema is of another version of JSON Schema', `remove $schema, or ${DIALECT}`);
        }
        break;
      case undefined:
        this.#wrong(
          at,
          `${JSON.stringify(keyword.slice(0, 60))} is no keyword of JSON Schema that can be used here`,
          keywordHint(keyword),
        );
        break;
    }
    return toJson(value);
  }

  #type(value: Tree): Json {
    const items = value.kind === 'list' ? value.items : [value];
    // An unquoted null in YAML is not the word.
    const types = items.map((item) => (item.kind === 'null' ? 'null' : item.kind === 'text' ? item.text : ''));
    types.forEach((type, i) => {
      if (JSON_TYPES.includes(type)) return;
      const shown = JSON.stringify(type.slice(0, 60));
      this.#wrong(items[i]!.at, `unknown type ${shown}`, typeHint(type, JSON_TYPES));
    });
    return value.kind === 'list' ? types : types[0]!;
  }

  #ref(value: Tree): Json {
    const name = value.kind === 'text' ? definitionName(value.text) : undefined;
    if (name === undefined) {
      this.#wrong(value.at, 'a $ref must point into the same schema', "write $ref: '#/$defs/NAME'");
      return '#';
    }
    this.#refs.push({ at: value.at, name });
    return (value as { text: string }).text;
  }

  #pattern(at: number, pattern: string): void {
    try {
      linearRegExp(pattern);
    } catch (error) {
      const reason = String((error as Error).message)
        .replace(/^error parsing regexp: /, '')
        .slice(0, 120);
      this.#wrong(at, `the pattern cannot be used: ${reason}`, 'patterns are RE2: no look-ahead, no back-references');
    }
  }

  #refsEnd(schema: JsonObject, start: number): boolean {
    const definitions = (schema.$defs ?? {}) as JsonObject;
    for (const { at, name } of this.#refs) {
      if (!Object.hasOwn(definitions, name)) {
        return this.#wrong(at, `$defs has no ${JSON.stringify(name)}`, suggest(name, Object.keys(definitions)));
      }
    }
    if (expandedSize(schema, LARGEST) <= LARGEST) return true;
    return this.#wrong(
      this.#refs[0]?.at ?? start,
      'the schema is too large, or one of its $ref leads back to itself',
      `at most ${LARGEST} values, with each $ref written out`,
    );
  }

  #wrong(at: number, message: string, hint?: string): false {
    this.#broken = true;
    this.#file.problem(at, message, hint);
    return false;
  }
}

function requiredAreNamed(file: YamlFile, properties: Tree, required: Tree | undefined): boolean {
  if (required?.kind !== 'list' || properties.kind !== 'map') return true;
  const names = properties.entries.map((entry) => entry.key);
  const stray = required.items.find((item) => item.kind === 'text' && !names.includes(item.text));
  if (stray?.kind !== 'text') return true;
  file.problem(
    stray.at,
    `"required" names ${JSON.stringify(stray.text)}, which is no property`,
    suggest(stray.text, names),
  );
  return false;
}

function hasScalarItems(parent: Tree): boolean {
  const items = parent.kind === 'map' ? parent.entries.find((entry) => entry.key === 'items')?.value : undefined;
  const type = items?.kind === 'map' ? items.entries.find((entry) => entry.key === 'type')?.value : items;
  return type?.kind === 'text' && !['array', 'object'].includes(type.text);
}

function find(tree: Tree, path: readonly string[]): Tree {
  let at = tree;
  for (const key of path) {
    const next: Tree | undefined =
      at.kind === 'map'
        ? at.entries.find((entry) => entry.key === key)?.value
        : at.kind === 'list'
          ? at.items[Number(key)]
          : undefined;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}
