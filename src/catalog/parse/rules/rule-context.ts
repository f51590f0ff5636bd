import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { EventType, Segment } from '../../../model/catalog.ts';
import type { Json, JsonObject, Millis } from '../../../model/event.ts';
import { parseDuration } from '../../../time/duration.ts';
import { LIFECYCLE_EVENTS } from '../../lifecycle-events.ts';
import { newAjv } from '../../schemas/ajv.ts';
import { getDeclaredNames, getDeclaredType } from '../../schemas/declared-fields.ts';
import { type FieldCheck, newFieldCheck } from '../../schemas/field-check.ts';
import { type Fields, parseKeyword, parseText, parseTexts } from '../fields.ts';
import type { ParsedNotification } from '../notifications.ts';
import { suggest } from '../suggest.ts';
import type { Entry, Text, YamlFile } from '../yaml.ts';

/** The names that rules can refer to. A file that could not be parsed is absent, and nothing is checked against it. */
export interface CatalogSymbols {
  readonly events?: readonly EventType[];
  /** Schema of the user traits. */
  readonly traits?: JsonObject;
  readonly notifications?: readonly ParsedNotification[];
  readonly segments?: readonly Segment[];
}

/** A duration and its normalized text, such as `24h`. */
export interface Span {
  readonly ms: Millis;
  readonly text: string;
}

/**
 * The context that the parsers of all parts of a rule share: the names that rules can refer to, and parsers of small values.
 * Every parser reports an error to the file and returns undefined for it. An absent entry is undefined without a report.
 */
export class RuleContext {
  readonly file: YamlFile;
  readonly traits: JsonObject | undefined;
  /** The types of events.yaml and the lifecycle events, by name. */
  readonly events: ReadonlyMap<string, EventType> | undefined;
  readonly notifications: ReadonlyMap<string, ParsedNotification> | undefined;
  readonly segments: ReadonlyMap<string, Segment> | undefined;
  readonly rules: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly #declaredEvents: readonly string[];
  readonly #fieldChecks = new Map<JsonObject, FieldCheck>();
  #ajv: ReturnType<typeof newAjv> | undefined;

  constructor(file: YamlFile, symbols: CatalogSymbols, rules: readonly Entry[], groups: readonly Entry[]) {
    const { events, traits, notifications, segments } = symbols;
    this.file = file;
    this.traits = traits;
    this.events = events && new Map([...LIFECYCLE_EVENTS, ...events].map((event) => [event.name, event]));
    this.#declaredEvents = (events ?? []).map(({ name }) => name);
    this.notifications = notifications && new Map(notifications.map((parsed) => [parsed.type.name, parsed]));
    this.segments = segments && new Map(segments.map((segment) => [segment.name, segment]));
    this.rules = new Set(rules.map(({ key }) => key));
    this.groups = new Set(groups.map(({ key }) => key));
  }

  report(at: number, message: string, hint?: string): void {
    this.file.report(at, message, hint);
  }

  /**
   * Returns the text as the name of an event type, and reports a type that the catalog does not have. Instead of that, returns
   * the type that was probably meant, so that the rest of the rule is checked against it.
   */
  parseEvent(text: Text): string {
    if (this.events !== undefined && !this.events.has(text.text)) {
      const names = text.text.startsWith('notification.') ? this.events.keys() : this.#declaredEvents;
      const all = [...names];
      this.report(text.at, `no event is called ${JSON.stringify(text.text)}`, suggest(text.text, all));
      return findNearest(text.text, all) ?? text.text;
    }
    return text.text;
  }

  /** Parses one event type or a list of them; an absent entry is an empty list. */
  parseEvents(entry: Entry | undefined, example: string): string[] {
    if (entry === undefined) return [];
    return parseTexts(this.file, entry.value, `"${entry.key}"`, example).map((text) => this.parseEvent(text));
  }

  /** Returns the text as the name of a notification type, and reports a type that the catalog does not have. */
  parseNotification(text: Text): string {
    if (this.notifications !== undefined && !this.notifications.has(text.text)) {
      const message = `no notification is called ${JSON.stringify(text.text)}`;
      this.report(text.at, message, suggest(text.text, this.notifications.keys()));
    }
    return text.text;
  }

  /** Reports a trait that events.yaml does not declare, if it declares any. */
  checkTrait(name: string, at: number): void {
    if (!this.traits || getDeclaredType(this.traits, name) !== undefined) return;
    this.report(at, `no trait is called ${JSON.stringify(name)}`, suggest(name, getDeclaredNames(this.traits)));
  }

  /**
   * Returns how a value violates the schema of a trait or property, as in `is text ("3"), but must be an integer`; undefined
   * if it fits.
   *
   * @param schema the object schema that declares the field; undefined: nothing is declared, and every value fits
   */
  findViolation(schema: JsonObject | undefined, name: string, value: Json): string | undefined {
    if (schema === undefined) return undefined;
    let check = this.#fieldChecks.get(schema);
    if (check === undefined) {
      this.#ajv ??= newAjv();
      check = newFieldCheck(schema, this.#ajv);
      this.#fieldChecks.set(schema, check);
    }
    return check(name, value);
  }

  parseText(entry: Entry | undefined, example: string): Text | undefined {
    return entry && parseText(this.file, entry.value, JSON.stringify(entry.key), example);
  }

  parseSpan(entry: Entry | undefined, example: string): Span | undefined {
    const text = this.parseText(entry, example);
    if (text === undefined) return undefined;
    const duration = parseDuration(text.text);
    if ('ms' in duration) return duration;
    this.report(text.at, duration.message, duration.hint);
    return undefined;
  }

  /** Parses a whole number from `min` to `max`, both included. */
  parseInteger(entry: Entry | undefined, min: number, max: number): number | undefined {
    if (entry === undefined) return undefined;
    const { value: tree } = entry;
    if (tree.kind === 'number' && Number.isInteger(tree.value) && tree.value >= min && tree.value <= max) {
      return tree.value;
    }
    this.report(tree.at, `"${entry.key}" must be a whole number from ${min} to ${max}`, `${entry.key}: ${min}`);
    return undefined;
  }

  parseBoolean(entry: Entry | undefined): boolean | undefined {
    if (entry === undefined) return undefined;
    if (entry.value.kind === 'boolean') return entry.value.value;
    this.report(entry.value.at, `"${entry.key}" must be true or false`, `${entry.key}: true, or ${entry.key}: false`);
    return undefined;
  }

  /** Parses one of the allowed words. */
  parseKeyword<T extends string>(entry: Entry | undefined, allowed: readonly T[]): T | undefined {
    const text = this.parseText(entry, `use one of: ${allowed.join(', ')}`);
    return text && entry && parseKeyword(this.file, text, `a value of "${entry.key}"`, allowed);
  }

  /** Reports a mapping that lacks a required key, at the place of the mapping's own key. */
  requireKey(entry: Entry, parts: Fields, key: string, example: string): void {
    if (entry.value.kind !== 'map' || parts.has(key)) return;
    this.report(entry.at, `"${entry.key}" needs "${key}"`, example);
  }
}
