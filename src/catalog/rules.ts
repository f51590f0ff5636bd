import { isDeepStrictEqual } from 'node:util';
import type { After, EventType, JsonObject, Limit, Millis, Rule } from '../model.ts';
import { compileCondition } from '../rules/condition.ts';
import { parseDuration } from './duration.ts';
import { type Fields, fields, isName, named, oneText, someTexts } from './fields.ts';
import { parseLimit } from './limit.ts';
import { suggest } from './suggest.ts';
import type { Entry, Text, YamlFile } from './yaml.ts';

const EXAMPLE = 'WELCOME_EMAIL: { on: signup_completed, limit: once }';
const AFTER = 'after: { event: signup_completed, within: 24h }';

/** What rules may speak of. A part that could not be read is absent, and nothing is checked against it. */
export interface Vocabulary {
  readonly events?: readonly EventType[];
  readonly traits?: JsonObject;
  readonly notifications?: readonly string[];
}

/** Reads rules.yaml: who hears what, and when. */
export function readRules(file: YamlFile, vocabulary: Vocabulary): readonly Rule[] {
  const top = fields(file, file.root!, 'rules.yaml', ['rules'], `rules: { ${EXAMPLE} }`).get('rules');
  if (top === undefined) {
    if (file.root?.kind !== 'list') file.problem(0, 'rules.yaml has no "rules"', `rules: { ${EXAMPLE} }`);
    return [];
  }
  const reader = new RuleReader(file, vocabulary);
  return named(file, top.value, '"rules"', EXAMPLE).map((entry) => reader.rule(entry));
}

class RuleReader {
  readonly #file: YamlFile;
  readonly #vocabulary: Vocabulary;
  readonly #eventTypes: ReadonlyMap<string, EventType> | undefined;

  constructor(file: YamlFile, vocabulary: Vocabulary) {
    this.#file = file;
    this.#vocabulary = vocabulary;
    this.#eventTypes = vocabulary.events && new Map(vocabulary.events.map((event) => [event.name, event]));
  }

  rule(entry: Entry): Rule {
    const name = entry.key;
    const known = ['on', 'when', 'after', 'limit', 'notify', 'expires'];
    const found = fields(this.#file, entry.value, name, known, EXAMPLE);
    if (!isName(name)) {
      const shown = JSON.stringify(name.slice(0, 60));
      this.#file.problem(entry.at, `${shown} cannot be a name`, 'letters, digits, _ . and -: WELCOME_EMAIL');
    }
    const on = this.#on(entry, found);
    const when = this.#when(found, on);
    const after = this.#after(found);
    const expires = this.#duration(found.get('expires'), 'expires: 2d');
    return {
      name,
      on,
      ...(when !== undefined && { when }),
      ...(after && { after }),
      limits: this.#limits(found),
      notify: this.#notify(entry, found),
      ...(expires && { expires: expires.ms }),
    };
  }

  #on(rule: Entry, found: Fields): string[] {
    const entry = found.get('on');
    if (entry === undefined) {
      this.#file.problem(rule.at, `${rule.key} has no trigger`, 'on: signup_completed');
      return [];
    }
    const texts = someTexts(this.#file, entry.value, '"on"', 'on: signup_completed');
    for (const text of texts) this.#knownEvent(text);
    return texts.map((text) => text.text);
  }

  #when(found: Fields, on: readonly string[]): string | undefined {
    const entry = found.get('when');
    const text = entry && oneText(this.#file, entry.value, '"when"', 'when: event.amount > 100');
    if (text === undefined) return undefined;
    const expression = text.text.trim();
    const indent = text.text.length - text.text.trimStart().length;

    // Told once if it is wrong for each trigger; with the trigger's name if it is wrong for some.
    const wrong = new Map<string, { offset: number; message: string; hint: string | undefined; types: string[] }>();
    const types = on.length > 0 ? on : [''];
    for (const type of types) {
      for (const { offset, message, hint } of this.#conditionProblems(expression, type)) {
        const key = `${offset} ${message}`;
        const known = wrong.get(key);
        if (known) known.types.push(type);
        else wrong.set(key, { offset, message, hint, types: [type] });
      }
    }
    for (const { offset, message, hint, types: wrongFor } of wrong.values()) {
      const prefix = wrongFor.length < types.length ? `for ${wrongFor.join(' and ')}: ` : '';
      const comment = text.cutByComment
        ? 'a # after a space begins a comment: put the whole condition in quotes'
        : hint;
      this.#file.problem(text.offsetOf(offset + indent), prefix + message, comment);
    }
    return expression;
  }

  #conditionProblems(expression: string, eventType: string) {
    const event = this.#eventTypes?.get(eventType)?.properties;
    const traits = this.#vocabulary.traits;
    const compiled = compileCondition(expression, { ...(event && { event }), ...(traits && { traits, user: traits }) });
    return 'problems' in compiled ? compiled.problems : [];
  }

  #after(found: Fields): After | undefined {
    const entry = found.get('after');
    if (entry === undefined) return undefined;
    const parts = fields(this.#file, entry.value, '"after"', ['event', 'within'], AFTER);
    const event = parts.get('event');
    const within = parts.get('within');
    if (entry.value.kind === 'map' && event === undefined) {
      this.#file.problem(entry.at, '"after" does not say which event', AFTER);
    }
    if (entry.value.kind === 'map' && within === undefined) {
      this.#file.problem(entry.at, '"after" does not say how long', AFTER);
    }
    const name = event && oneText(this.#file, event.value, '"event"', AFTER);
    if (name) this.#knownEvent(name);
    const span = this.#duration(within, AFTER);
    return name && span ? { event: name.text, within: span.ms, withinText: span.text } : undefined;
  }

  #limits(found: Fields): Limit[] {
    const entry = found.get('limit');
    if (entry === undefined) return [];
    const example = 'limit: once, or limit: 1 per day';
    const limits: Limit[] = [];
    for (const text of someTexts(this.#file, entry.value, '"limit"', example)) {
      const parsed = parseLimit(text.text);
      if ('message' in parsed) {
        this.#file.problem(text.at, parsed.message, parsed.hint);
        continue;
      }
      const same = limits.find((limit) => isDeepStrictEqual(limit.period, parsed.limit.period));
      if (same) {
        const message = `"${same.text}" and "${parsed.limit.text}" are limits of the same period`;
        this.#file.problem(text.at, message, 'keep the stricter one');
      } else limits.push(parsed.limit);
    }
    return limits;
  }

  #notify(rule: Entry, found: Fields): string[] {
    const entry = found.get('notify');
    const known = this.#vocabulary.notifications;
    if (entry === undefined) {
      if (known && !known.includes(rule.key)) {
        const message = `no notification is called ${rule.key}, and the rule has no "notify"`;
        this.#file.problem(rule.at, message, suggest(rule.key, known));
      }
      return [rule.key];
    }
    const texts = someTexts(this.#file, entry.value, '"notify"', 'notify: WELCOME_EMAIL');
    for (const { at, text } of texts) {
      if (known && !known.includes(text)) {
        this.#file.problem(at, `no notification is called ${JSON.stringify(text)}`, suggest(text, known));
      }
    }
    return texts.map(({ text }) => text);
  }

  #duration(entry: Entry | undefined, example: string): { ms: Millis; text: string } | undefined {
    const text = entry && oneText(this.#file, entry.value, JSON.stringify(entry.key), example);
    if (text === undefined) return undefined;
    const duration = parseDuration(text.text);
    if ('ms' in duration) return duration;
    this.#file.problem(text.at, duration.message, duration.hint);
    return undefined;
  }

  #knownEvent(text: Text): void {
    if (this.#eventTypes === undefined || this.#eventTypes.has(text.text)) return;
    const message = `no event is called ${JSON.stringify(text.text)}`;
    this.#file.problem(text.at, message, suggest(text.text, this.#eventTypes.keys()));
  }
}
