import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../../../model/event.ts';
import { FORMATS, linearRegExp, newAjv, newCheckingAjv } from '../../schemas/ajv.ts';
import { expandedSize, getDefinitionName, unescapePointer } from '../../schemas/schema-size.ts';
import { suggest } from '../suggest.ts';
import { type Tree, toJson, type YamlFile } from '../yaml.ts';
import { DIALECT, JSON_TYPES, KEYWORDS, keywordHint, SHORT_TYPES, typeHint } from './schema-keywords.ts';

/** Values of a schema after each `$ref` is expanded: bounds the time that validating one event takes. */
const MAX_EXPANDED_VALUES = 5000;
const MAX_SHOWN_CHARS = 60;

/**
 * Parses the short form of an object schema, `{ amount: number, items: { type: array, items: string } }`, into JSON Schema.
 * Other properties are allowed. Returns undefined if no property is named, and after an error, which is reported.
 *
 * @param what the key that holds the properties, for messages
 */
export function parseShortSchema(
  file: YamlFile,
  what: string,
  properties: Tree,
  required?: Tree,
): JsonObject | undefined {
  if (properties.kind === 'null' || (properties.kind === 'map' && properties.entries.length === 0)) {
    if (required && required.kind !== 'list') {
      file.report(required.at, '"required" must be a list of names', 'required: [amount]');
    } else checkRequiredNames(file, { ...properties, kind: 'map', entries: [] }, required);
    return undefined;
  }
  const parser = new SchemaParser(file);
  const schema: JsonObject = { type: 'object', properties: parser.parseMap(properties, what) };
  if (required) schema.required = toJson(required);
  const locate = (path: readonly string[]) =>
    path[0] === 'required' && required ? findTree(required, path.slice(1)) : findTree(properties, path.slice(1));
  if (!parser.finish(schema, locate) || !checkRequiredNames(file, properties, required)) return undefined;
  return schema;
}

/** Parses a full JSON Schema (2020-12) of an object. Returns undefined after an error, which is reported. */
export function parseFullSchema(file: YamlFile, tree: Tree): JsonObject | undefined {
  const parser = new SchemaParser(file);
  const schema = parser.parseSchema(tree);
  if (typeof schema !== 'object') return undefined;
  if (schema.type !== undefined && schema.type !== 'object') {
    file.report(tree.at, 'the schema must be of type object', 'properties are always an object');
    return undefined;
  }
  return parser.finish(schema, (path) => findTree(tree, path)) ? schema : undefined;
}

/** An Ajv is slow to create, one that checks even more. They keep no schema between two checks. */
let compiling: ReturnType<typeof newAjv> | undefined;
let checking: ReturnType<typeof newCheckingAjv> | undefined;

/** Parses one schema. `finish` must be called last. */
class SchemaParser {
  readonly #file: YamlFile;
  readonly #refs: { readonly at: number; readonly name: string }[] = [];
  #hasProblem = false;

  constructor(file: YamlFile) {
    this.#file = file;
  }

  /**
   * Checks the schema as a whole: each `$ref` has a target and ends, and Ajv accepts and compiles it. Returns false if a
   * problem was reported, here or before.
   */
  finish(schema: JsonObject, locate: (path: readonly string[]) => Tree): boolean {
    if (this.#hasProblem) return false;
    const start = locate([]).at;
    if (!this.#checkRefs(schema, start)) return false;
    const error = findSchemaError(schema);
    if (error) {
      const path = error.instancePath.split('/').slice(1).map(unescapePointer);
      const what = path.at(-1) ?? 'the schema';
      return this.#report(locate(path).at, `${JSON.stringify(what)} ${error.message ?? 'is not valid'}`);
    }
    compiling ??= newAjv();
    const ajv = compiling;
    try {
      ajv.compile(schema);
      return true;
    } catch (error) {
      return this.#report(start, `the schema cannot be used: ${String((error as Error).message).slice(0, 200)}`);
    } finally {
      ajv.removeSchema(schema);
    }
  }

  parseMap(tree: Tree, what: string): JsonObject {
    if (tree.kind !== 'map') {
      this.#report(tree.at, `"${what}" must be a mapping`, `${what}: { amount: number, currency: string }`);
      return {};
    }
    return Object.fromEntries(tree.entries.map((entry) => [entry.key, this.parseSchema(entry.value)]));
  }

  parseSchema(tree: Tree): JsonObject | boolean {
    switch (tree.kind) {
      case 'text':
        return this.#parseShortType(tree.at, tree.text);
      case 'boolean':
        return tree.value;
      case 'map':
        return Object.fromEntries(
          tree.entries.map((entry) => [entry.key, this.#parseKeyword(entry.key, entry.at, entry.value, tree)]),
        );
      case 'list':
        this.#report(tree.at, 'this must be a type, not a list', 'to allow certain values only: { enum: [A, B] }');
        return true;
      default:
        this.#report(tree.at, 'this must be a type', `use one of: ${Object.keys(SHORT_TYPES).join(', ')}`);
        return true;
    }
  }

  #parseShortType(at: number, written: string): JsonObject | boolean {
    const known = Object.hasOwn(SHORT_TYPES, written) ? SHORT_TYPES[written] : undefined;
    if (known) return { ...known };
    if (written.endsWith('?')) {
      const type = written.slice(0, -1);
      const hint = `properties are optional already: write ${type}, or { type: [${type}, 'null'] } to allow null`;
      this.#report(at, `unknown type ${JSON.stringify(written)}`, hint);
    } else {
      const hint = typeHint(written, Object.keys(SHORT_TYPES));
      this.#report(at, `unknown type ${JSON.stringify(written.slice(0, MAX_SHOWN_CHARS))}`, hint);
    }
    return true;
  }

  #parseKeyword(keyword: string, at: number, value: Tree, parent: Tree): Json {
    const kind = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    switch (kind) {
      case 'schema':
        return this.parseSchema(value);
      case 'schemas':
        if (value.kind === 'list') return value.items.map((item) => this.parseSchema(item));
        break;
      case 'schema map':
        if (keyword === 'patternProperties' && value.kind === 'map') {
          for (const entry of value.entries) this.#checkPattern(entry.at, entry.key);
        }
        return this.parseMap(value, keyword);
      case 'type':
        return this.#parseType(value);
      case 'ref':
        return this.#parseRef(value);
      case 'pattern':
        if (value.kind === 'text') this.#checkPattern(value.at, value.text);
        break;
      case 'format':
        if (value.kind === 'text' && !(FORMATS as readonly string[]).includes(value.text)) {
          this.#report(value.at, `unknown format ${JSON.stringify(value.text)}`, suggest(value.text, FORMATS));
        }
        break;
      case 'unique':
        if (!hasScalarItems(parent)) {
          // Lists of objects are compared pairwise: too slow for a list whose length the caller chooses.
          this.#report(at, '"uniqueItems" needs items of a plain type', 'items: string');
        }
        break;
      case 'enum':
        if (value.kind !== 'list' || value.items.length === 0) {
          this.#report(value.at, '"enum" needs a list of values', 'enum: [EUR, USD]');
        }
        break;
      case 'dialect':
        if (value.kind !== 'text' || value.text !== DIALECT) {
          const hint = `remove $schema, or write ${DIALECT}`;
          this.#report(value.at, 'the schema uses another version of JSON Schema', hint);
        }
        break;
      case undefined: {
        const shown = JSON.stringify(keyword.slice(0, MAX_SHOWN_CHARS));
        this.#report(at, `${shown} is not a supported JSON Schema keyword`, keywordHint(keyword));
        break;
      }
    }
    return toJson(value);
  }

  #parseType(value: Tree): Json {
    const items = value.kind === 'list' ? value.items : [value];
    // YAML reads an unquoted null as the value, not as the word.
    const types = items.map((item) => (item.kind === 'null' ? 'null' : item.kind === 'text' ? item.text : ''));
    types.forEach((type, i) => {
      if (JSON_TYPES.includes(type)) return;
      const shown = JSON.stringify(type.slice(0, MAX_SHOWN_CHARS));
      this.#report(items[i]!.at, `unknown type ${shown}`, typeHint(type, JSON_TYPES));
    });
    return value.kind === 'list' ? types : types[0]!;
  }

  #parseRef(value: Tree): Json {
    const name = value.kind === 'text' ? getDefinitionName(value.text) : undefined;
    if (name === undefined) {
      this.#report(value.at, 'a $ref must point into the same schema', "write $ref: '#/$defs/NAME'");
      return '#';
    }
    this.#refs.push({ at: value.at, name });
    return (value as { text: string }).text;
  }

  #checkPattern(at: number, pattern: string): void {
    try {
      linearRegExp(pattern);
    } catch (error) {
      const reason = String((error as Error).message)
        .replace(/^error parsing regexp: /, '')
        .slice(0, 120);
      const hint = 'use RE2 syntax, without look-ahead and back-references';
      this.#report(at, `the pattern cannot be used: ${reason}`, hint);
    }
  }

  #checkRefs(schema: JsonObject, start: number): boolean {
    const definitions = (schema.$defs ?? {}) as JsonObject;
    for (const { at, name } of this.#refs) {
      if (!Object.hasOwn(definitions, name)) {
        return this.#report(at, `$defs has no ${JSON.stringify(name)}`, suggest(name, Object.keys(definitions)));
      }
    }
    if (expandedSize(schema, MAX_EXPANDED_VALUES) <= MAX_EXPANDED_VALUES) return true;
    return this.#report(
      this.#refs[0]?.at ?? start,
      'the schema is too large, or a $ref in it leads back to itself',
      `at most ${MAX_EXPANDED_VALUES} values are allowed after each $ref is expanded`,
    );
  }

  #report(at: number, message: string, hint?: string): false {
    this.#hasProblem = true;
    this.#file.report(at, message, hint);
    return false;
  }
}

/** Returns the first error that the meta-schema of JSON Schema finds in a schema. */
function findSchemaError(schema: JsonObject): ErrorObject | undefined {
  if (isPlain(schema)) return;
  checking ??= newCheckingAjv();
  if (!checking.validateSchema(schema)) return checking.errors?.[0];
}

/**
 * Whether a schema has only keywords whose values the parser has checked in full, as most have: it needs no check by the
 * meta-schema, which a start would otherwise wait for.
 */
function isPlain(schema: Json | undefined): boolean {
  if (typeof schema === 'boolean') return true;
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) return false;
  return Object.entries(schema).every(([keyword, value]) => {
    switch (keyword) {
      case 'enum':
        return true;
      case 'type':
      case 'format':
        return typeof value === 'string';
      case 'properties':
        return Object.values(value as JsonObject).every(isPlain);
      case 'items':
        return isPlain(value);
      case 'required':
        return (
          Array.isArray(value) &&
          value.every((name) => typeof name === 'string') &&
          new Set(value).size === value.length
        );
      default:
        return false;
    }
  });
}

/** Whether every name in `required` is a property; the first other one is reported. */
function checkRequiredNames(file: YamlFile, properties: Tree, required: Tree | undefined): boolean {
  if (required?.kind !== 'list' || properties.kind !== 'map') return true;
  const names = properties.entries.map((entry) => entry.key);
  const unknown = required.items.find((item) => item.kind === 'text' && !names.includes(item.text));
  if (unknown?.kind !== 'text') return true;
  const message = `"required" names ${JSON.stringify(unknown.text)}, which is not a property`;
  file.report(unknown.at, message, suggest(unknown.text, names));
  return false;
}

function hasScalarItems(parent: Tree): boolean {
  const items = parent.kind === 'map' ? parent.entries.find((entry) => entry.key === 'items')?.value : undefined;
  const type = items?.kind === 'map' ? items.entries.find((entry) => entry.key === 'type')?.value : items;
  return type?.kind === 'text' && !['array', 'object'].includes(type.text);
}

/** Returns the tree at the path, or the nearest one around it that is written. */
function findTree(tree: Tree, path: readonly string[]): Tree {
  let found = tree;
  for (const key of path) {
    const next: Tree | undefined =
      found.kind === 'map'
        ? found.entries.find((entry) => entry.key === key)?.value
        : found.kind === 'list'
          ? found.items[Number(key)]
          : undefined;
    if (next === undefined) return found;
    found = next;
  }
  return found;
}
