import type { EventType } from '../../../model/catalog.ts';
import type { Json, JsonObject, Millis } from '../../../model/event.ts';
import { parseDuration } from '../../../time/duration.ts';
import { LIFECYCLE_EVENTS } from '../../lifecycle-events.ts';
import { newAjv } from '../../schemas/ajv.ts';
import { type FieldCheck, newFieldCheck } from '../../schemas/field-value.ts';
import { fieldOf, namesIn } from '../../schemas/schema-fields.ts';
import { type Fields, oneOf, oneText, someTexts } from '../fields.ts';
import type { ReadNotification } from '../notifications.ts';
import { suggest } from '../suggest.ts';
import type { Entry, Text, YamlFile } from '../yaml.ts';

/** What rules may speak of. A part that could not be read is absent, and nothing is checked against it. */
export interface CatalogSymbols {
  readonly events?: readonly EventType[];
  readonly traits?: JsonObject;
  readonly notifications?: readonly ReadNotification[];
}

export interface Span {
  readonly ms: Millis;
  readonly text: string;
}

/** What the readers of a rule's parts share: the names that rules may use, and the small values they are made of. */
export class RuleContext {
  readonly file: YamlFile;
  readonly traits: JsonObject | undefined;
  /** Those of events.yaml and those that every catalog has. */
  readonly events: ReadonlyMap<string, EventType> | undefined;
  readonly notifications: ReadonlyMap<string, ReadNotification> | undefined;
  readonly rules: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly #ownEvents: readonly string[];
  readonly #fieldChecks = new Map<JsonObject, FieldCheck>();
  #ajv: ReturnType<typeof newAjv> | undefined;

  constructor(file: YamlFile, vocabulary: CatalogSymbols, rules: readonly Entry[], groups: readonly Entry[]) {
    const { events, traits, notifications } = vocabulary;
    this.file = file;
    this.traits = traits;
    this.events = events && new Map([...LIFECYCLE_EVENTS, ...events].map((event) => [event.name, event]));
    this.#ownEvents = (events ?? []).map(({ name }) => name);
    this.notifications = notifications && new Map(notifications.map((read) => [read.type.name, read]));
    this.rules = new Set(rules.map(({ key }) => key));
    this.groups = new Set(groups.map(({ key }) => key));
  }

  problem(at: number, message: string, hint?: string): void {
    this.file.problem(at, message, hint);
  }

  /** The name of an event type, which must be there. */
  event(text: Text): string {
    if (this.events !== undefined && !this.events.has(text.text)) {
      const names = text.text.startsWith('notification.') ? this.events.keys() : this.#ownEvents;
      this.problem(text.at, `no event is called ${JSON.stringify(text.text)}`, suggest(text.text, names));
    }
    return text.text;
  }

  /** A trait that events.yaml declares, where it declares any. */
  trait(name: string, at: number): void {
    if (!this.traits || fieldOf(this.traits, name) !== undefined) return;
    this.problem(at, `no trait is called ${JSON.stringify(name)}`, suggest(name, namesIn(this.traits)));
  }

  /** Says what is wrong with a value of a trait, or of a property. @param schema where it is declared; absent: nowhere */
  misfit(schema: JsonObject | undefined, name: string, value: Json): string | undefined {
    if (schema === undefined) return undefined;
    let check = this.#fieldChecks.get(schema);
    if (check === undefined) {
      this.#ajv ??= newAjv();
      check = newFieldCheck(schema, this.#ajv);
      this.#fieldChecks.set(schema, check);
    }
    return check(name, value);
  }

  someEvents(entry: Entry | undefined, example: string): string[] {
    if (entry === undefined) return [];
    return someTexts(this.file, entry.value, `"${entry.key}"`, example).map((text) => this.event(text));
  }

  /** The name of a notification type, which must be there. */
  notification(text: Text): string {
    if (this.notifications !== undefined && !this.notifications.has(text.text)) {
      const message = `no notification is called ${JSON.stringify(text.text)}`;
      this.problem(text.at, message, suggest(text.text, this.notifications.keys()));
    }
    return text.text;
  }

  text(entry: Entry | undefined, example: string): Text | undefined {
    return entry && oneText(this.file, entry.value, JSON.stringify(entry.key), example);
  }

  span(entry: Entry | undefined, example: string): Span | undefined {
    const text = this.text(entry, example);
    if (text === undefined) return undefined;
    const duration = parseDuration(text.text);
    if ('ms' in duration) return duration;
    this.problem(text.at, duration.message, duration.hint);
    return undefined;
  }

  /** A whole number from `least` to `most`. */
  whole(entry: Entry | undefined, least: number, most: number): number | undefined {
    if (entry === undefined) return undefined;
    const { value: tree } = entry;
    if (tree.kind === 'number' && Number.isInteger(tree.value) && tree.value >= least && tree.value <= most) {
      return tree.value;
    }
    this.problem(tree.at, `"${entry.key}" is not a whole number from ${least} to ${most}`, `${entry.key}: ${least}`);
    return undefined;
  }

  yesOrNo(entry: Entry | undefined): boolean | undefined {
    if (entry === undefined) return undefined;
    if (entry.value.kind === 'boolean') return entry.value.value;
    this.problem(entry.value.at, `"${entry.key}" is not true or false`, `${entry.key}: true, or ${entry.key}: false`);
    return undefined;
  }

  /** A word of a closed list. */
  word<T extends string>(entry: Entry | undefined, what: string, allowed: readonly T[]): T | undefined {
    const text = this.text(entry, `one of: ${allowed.join(', ')}`);
    return text && oneOf(this.file, text, what, allowed);
  }

  /** A mapping must say this; told at its key when it does not. */
  need(entry: Entry, parts: Fields, key: string, missing: string, example: string): void {
    if (entry.value.kind === 'map' && !parts.has(key)) this.problem(entry.at, `"${entry.key}" ${missing}`, example);
  }
}
