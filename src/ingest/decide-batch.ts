import type { Catalog } from '../catalog/cache.ts';
import { jsonText } from '../events/content.ts';
import { byOrder, receivedOf } from '../events/emitted.ts';
import { isRejection, type ReceivedEvent } from '../events/envelope.ts';
import type { Json, Millis, Profile } from '../model/event.ts';
import { planNotification } from '../plan/plan.ts';
import { recordEmitFailure, type Send, type Verdicts } from '../rules/context.ts';
import { decide, endWait, takeTurn } from '../rules/decide.ts';
import { byDue, type Ids, type PersonFacts, type Wait } from '../rules/facts.ts';
import { announce } from '../rules/lookahead.ts';
import type { CompiledRule, RuleSet, RuleSets } from '../rules/rule-set.ts';
import type { Batch } from '../store/batch.ts';
import type { ContestedTrait, Facts } from '../store/facts.ts';
import { canonicalZone, zoneOf } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Reach } from '../users/addresses.ts';
import { contestedTraits, isChanged, mergeTraits } from '../users/profile.ts';

/** The catalog in force, and those that waits began with: whoever hands a person more waits adds theirs. */
export interface CatalogSets {
  readonly active: Catalog;
  readonly versions: Map<number, Catalog>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/**
 * One transaction's work in memory: decides, plans, and gathers all that is to be written. Nothing here waits or asks.
 * Events that rules emit come back from each step, to be given in again when their facts are known.
 */
export class Assembly {
  readonly batch: Mutable<Batch>;
  readonly versions: Map<number, Catalog>;
  readonly #rules: RuleSets;
  readonly #facts: Facts;
  readonly #reach: Reach;
  readonly #ids: Ids;
  /** Those that something was decided about, by user id, each with the profile as it is stored. */
  readonly #people = new Map<string, { readonly person: PersonFacts; readonly before: Profile }>();
  /** Of the events that are decided. */
  readonly #keys = new Set<string>();

  constructor(tenantId: string, now: Millis, catalogs: CatalogSets, facts: Facts, reach: Reach, ids: Ids) {
    this.versions = catalogs.versions;
    this.#rules = { active: catalogs.active.rules, at: (version) => this.#catalog(version).rules };
    this.#facts = facts;
    this.#reach = reach;
    this.#ids = ids;
    this.batch = {
      tenantId,
      now,
      catalogVersion: catalogs.active.version,
      events: [],
      profiles: [],
      addresses: [],
      uses: [],
      notifications: [],
      deliveries: [],
      waits: [],
    };
  }

  /** In order of event time. */
  decide(fresh: readonly ReceivedEvent[]): ReceivedEvent[] {
    const emitted: ReceivedEvent[] = [];
    const events = [...fresh].sort(byOrder);
    for (const { key } of events) this.#keys.add(key);
    if (this.#rules.active.waits) announce(events, ({ userId }) => this.#person(userId));
    for (const event of events) {
      const person = this.#person(event.userId);
      const before = person.profile;
      person.profile = mergeTraits(before, event.traits, event.time);
      this.#reach.merge(before, person.profile, event);
      const verdicts = decide(this.#rules, person, event, before, this.batch.now, this.#ids);
      this.batch.events.push({ event, decisions: verdicts.decisions });
      emitted.push(...this.#take(person, verdicts));
    }
    return emitted;
  }

  /**
   * Waits whose time has come, in order of due time; of each person up to the first that makes an event, which may end what
   * is left: that is to be given in again when the event is decided.
   */
  end(due: readonly Wait[]): { readonly emitted: readonly ReceivedEvent[]; readonly left: readonly Wait[] } {
    const emitted: ReceivedEvent[] = [];
    const left: Wait[] = [];
    const emitting = new Set<string>();
    for (const wait of [...due].sort(byDue)) {
      const { userId, waitId } = wait;
      const person = this.#person(userId);
      if (emitting.has(userId)) left.push(wait);
      // An earlier one may have cancelled it.
      else if (wait.status === 'waiting') {
        const verdicts = endWait(this.#rules, person, waitId, this.batch.now, this.#ids);
        this.batch.waits.push({ wait, decisions: verdicts.decisions });
        const made = this.#take(person, verdicts);
        if (made.length > 0) emitting.add(userId);
        emitted.push(...made);
      }
    }
    return { emitted, left };
  }

  /** A recurring rule's turn of each person. @param label the moment as local time */
  turn(rule: CompiledRule, userIds: readonly string[], due: Millis, label: string): ReceivedEvent[] {
    return userIds.flatMap((userId) => {
      const person = this.#person(userId);
      const verdicts = takeTurn(this.#rules, rule, person, due, label, this.batch.now, this.#ids);
      const wait = person.waits.get(verdicts.source);
      if (wait?.stored === 'new') this.batch.waits.push({ wait, decisions: verdicts.decisions });
      return this.#take(person, verdicts);
    });
  }

  /** The rules that a wait goes by. */
  rulesOf(wait: Wait): RuleSet {
    return this.#rules.at(wait.catalogVersion);
  }

  /** What an event would change of a known profile: see confirmTraitTimes. */
  contested(fresh: readonly ReceivedEvent[]): ContestedTrait[] {
    const all: ContestedTrait[] = [];
    for (const event of fresh) {
      const person = this.#person(event.userId);
      for (const trait of contestedTraits(person.profile, event.traits, event.time))
        all.push({ person, trait, at: event.at });
      for (const trait of this.#reach.contested(person.profile, event)) all.push({ person, trait, at: event.at });
    }
    return all;
  }

  /** Everything that is to be written. */
  finish(): Batch {
    for (const { person, before } of this.#people.values()) {
      const { userId, profile } = person;
      const isNew = !this.#facts.addressHashes.has(userId);
      if (!isNew && !this.#reach.hasChanged(userId) && !isChanged(before, profile)) continue;
      // A recurring rule or a wait is about somebody known; only an event makes a person.
      const zone = typeof profile.traits.time_zone === 'string' ? canonicalZone(zoneOf('user', profile.traits)) : null;
      this.batch.profiles.push({ userId, profile, addressHashes: this.#reach.hashes(userId), zone, isNew });
    }
    this.batch.addresses.push(...this.#reach.changed());
    const told = new Set(this.batch.waits.map(({ wait }) => wait));
    for (const { waits } of this.#facts.people.values()) {
      for (const wait of waits.values()) {
        if (wait.stored !== 'same' && !told.has(wait)) this.batch.waits.push({ wait, decisions: [] });
      }
    }
    return this.batch;
  }

  #catalog(version: number): Catalog {
    return this.versions.get(version) as Catalog;
  }

  #person(userId: string): PersonFacts {
    const known = this.#people.get(userId);
    if (known) return known.person;
    const person = this.#facts.people.get(userId) as PersonFacts;
    this.#people.set(userId, { person, before: person.profile });
    return person;
  }

  #take(person: PersonFacts, verdicts: Verdicts): ReceivedEvent[] {
    const { uses, sends, emits } = verdicts;
    for (const use of uses) this.batch.uses.push({ ...use, userId: person.userId });
    for (const send of sends) this.#plan(person, send);
    return emits.flatMap((emitted) => {
      const read = receivedOf(this.batch.tenantId, person.userId, emitted);
      if (!isRejection(read)) return this.#keys.has(read.key) ? [] : [read];
      recordEmitFailure(verdicts, emitted, read.message);
      return [];
    });
  }

  #plan(person: PersonFacts, send: Send): void {
    const { decision, trigger, rule, catalogVersion } = send;
    const type = this.#catalog(catalogVersion).notification(decision.notification_type);
    const notificationId = decision.notification_id as string;
    this.batch.notifications.push({
      userId: person.userId,
      notificationId,
      type: type.name,
      category: type.category,
      rule: decision.rule,
      decisionId: decision.decision_id,
      eventId: trigger.eventId,
      catalogVersion,
      dataText: dataText(person, send),
    });
    for (const plan of planNotification(type, rule.channels, this.batch.now)) {
      this.batch.deliveries.push({ userId: person.userId, notificationId, type: type.name, ...plan });
    }
  }
}

/** What its templates may show. The event that was just read has its text already; one that waited in the database has not. */
function dataText(person: PersonFacts, { trigger, matched, data, items, total }: Send): string {
  const read = 'propertiesText' in trigger ? (trigger as ReceivedEvent) : undefined;
  const properties = read?.propertiesText ?? jsonText(trigger.properties);
  const traits = read?.traitsText ?? jsonText(trigger.traits);
  const about = jsonText({ event_type: trigger.type, event_timestamp: isoTime(trigger.time) });
  let text = `{"event":${properties},"traits":${traits},"user":${jsonText(person.profile.traits)},"about":${about}`;
  if (matched) text += `,"matched":${jsonText(matched)}`;
  if (data) text += `,"data":${jsonText(data)}`;
  if (items) text += `,"items":${jsonText(items as unknown as Json)},"total":${total ?? items.length}`;
  return `${text}}`;
}
