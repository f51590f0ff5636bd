import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { jsonText } from '../events/content.ts';
import { compareForDecision, toReceivedEvent } from '../events/emitted.ts';
import { isRejection, type ReceivedEvent } from '../events/envelope.ts';
import type { Json, Millis, Profile } from '../model/event.ts';
import { planNotification } from '../plan/plan.ts';
import { addEmitFailure, type Send, type Verdicts } from '../rules/context.ts';
import { decide, decideDueWait, decideOccurrence } from '../rules/decide.ts';
import { compareByDueTime, type Ids, type UserState, type Wait } from '../rules/facts.ts';
import { queuePending } from '../rules/lookahead.ts';
import type { CompiledRule, RuleSet, RuleSets } from '../rules/rule-set.ts';
import type { Batch } from '../store/batch.ts';
import type { TraitConflict } from '../store/trait-times.ts';
import { canonicalZone, resolveZone } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import type { AddressChanges } from '../users/addresses.ts';
import { conflictingTraits, mergeTraits, needsWrite } from '../users/profile.ts';
import type { Facts } from './load-facts.ts';

/** The catalog in force, and those that waits began with: whoever hands a person more waits adds theirs. */
export interface ActiveCatalogs {
  readonly active: Catalog;
  readonly versions: Map<number, Catalog>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/**
 * One transaction's work in memory: decides, plans, and gathers all that is to be written. Nothing here waits or asks.
 * Events that rules emit come back from each step, to be given in again when their facts are known.
 */
export class BatchDecider {
  readonly batch: Mutable<Batch>;
  readonly versions: Map<number, Catalog>;
  readonly #rules: RuleSets;
  readonly #facts: Facts;
  readonly #reach: AddressChanges;
  readonly #ids: Ids;
  /** Those that something was decided about, by user id, each with the profile as it is stored. */
  readonly #users = new Map<string, { readonly user: UserState; readonly before: Profile }>();
  /** Of the events that are decided. */
  readonly #keys = new Set<string>();

  constructor(tenantId: string, now: Millis, catalogs: ActiveCatalogs, facts: Facts, reach: AddressChanges, ids: Ids) {
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
    const events = [...fresh].sort(compareForDecision);
    for (const { key } of events) this.#keys.add(key);
    if (this.#rules.active.waits) queuePending(events, ({ userId }) => this.#user(userId));
    for (const event of events) {
      const user = this.#user(event.userId);
      const before = user.profile;
      user.profile = mergeTraits(before, event.traits, event.time);
      this.#reach.mergeAddresses(before, user.profile, event);
      const verdicts = decide(this.#rules, user, event, before, this.batch.now, this.#ids);
      this.batch.events.push({ event, decisions: verdicts.decisions });
      emitted.push(...this.#collect(user, verdicts));
    }
    return emitted;
  }

  /**
   * Waits whose time has come, in order of due time; of each person up to the first that makes an event, which may end what
   * is left: that is to be given in again when the event is decided.
   */
  fireWaits(due: readonly Wait[]): { readonly emitted: readonly ReceivedEvent[]; readonly left: readonly Wait[] } {
    const emitted: ReceivedEvent[] = [];
    const left: Wait[] = [];
    const emitting = new Set<string>();
    for (const wait of [...due].sort(compareByDueTime)) {
      const { userId, waitId } = wait;
      const user = this.#user(userId);
      if (emitting.has(userId)) left.push(wait);
      // An earlier one may have cancelled it.
      else if (wait.status === 'waiting') {
        const verdicts = decideDueWait(this.#rules, user, waitId, this.batch.now, this.#ids);
        this.batch.waits.push({ wait, decisions: verdicts.decisions });
        const made = this.#collect(user, verdicts);
        if (made.length > 0) emitting.add(userId);
        emitted.push(...made);
      }
    }
    return { emitted, left };
  }

  /** A recurring rule's turn of each person. @param label the moment as local time */
  runSchedule(rule: CompiledRule, userIds: readonly string[], due: Millis, label: string): ReceivedEvent[] {
    return userIds.flatMap((userId) => {
      const user = this.#user(userId);
      const verdicts = decideOccurrence(this.#rules, rule, user, due, label, this.batch.now, this.#ids);
      const wait = user.waits.get(verdicts.source);
      if (wait?.stored === 'new') this.batch.waits.push({ wait, decisions: verdicts.decisions });
      return this.#collect(user, verdicts);
    });
  }

  /** The rules that a wait goes by. */
  getWaitRules(wait: Wait): RuleSet {
    return this.#rules.at(wait.catalogVersion);
  }

  /** What an event would change of a known profile: see loadTraitTimes. */
  conflictingTraits(fresh: readonly ReceivedEvent[]): TraitConflict[] {
    const all: TraitConflict[] = [];
    for (const event of fresh) {
      const { userId, profile } = this.#user(event.userId);
      for (const trait of conflictingTraits(profile, event.traits, event.time))
        all.push({ userId, trait, at: event.at });
      for (const trait of this.#reach.conflictingAddresses(profile, event)) all.push({ userId, trait, at: event.at });
    }
    return all;
  }

  /** Everything that is to be written. */
  buildBatch(): Batch {
    for (const { user, before } of this.#users.values()) {
      const { userId, profile } = user;
      const isNew = !this.#facts.addressHashes.has(userId);
      if (!isNew && !this.#reach.hasChanged(userId) && !needsWrite(before, profile)) continue;
      // A recurring rule or a wait is about somebody known; only an event makes a person.
      const zone =
        typeof profile.traits.time_zone === 'string' ? canonicalZone(resolveZone('user', profile.traits)) : null;
      this.batch.profiles.push({ userId, profile, addressHashes: this.#reach.getHashes(userId), zone, isNew });
    }
    this.batch.addresses.push(...this.#reach.getChanges());
    const told = new Set(this.batch.waits.map(({ wait }) => wait));
    for (const { waits } of this.#facts.users.values()) {
      for (const wait of waits.values()) {
        if (wait.stored !== 'same' && !told.has(wait)) this.batch.waits.push({ wait, decisions: [] });
      }
    }
    return this.batch;
  }

  #catalog(version: number): Catalog {
    return this.versions.get(version) as Catalog;
  }

  #user(userId: string): UserState {
    const known = this.#users.get(userId);
    if (known) return known.user;
    const user = this.#facts.users.get(userId) as UserState;
    this.#users.set(userId, { user, before: user.profile });
    return user;
  }

  #collect(user: UserState, verdicts: Verdicts): ReceivedEvent[] {
    const { uses, sends, emits } = verdicts;
    for (const use of uses) this.batch.uses.push({ ...use, userId: user.userId });
    for (const send of sends) this.#plan(user, send);
    return emits.flatMap((emitted) => {
      const read = toReceivedEvent(this.batch.tenantId, user.userId, emitted);
      if (!isRejection(read)) return this.#keys.has(read.key) ? [] : [read];
      addEmitFailure(verdicts, emitted, read.message);
      return [];
    });
  }

  #plan(user: UserState, send: Send): void {
    const { decision, trigger, rule, catalogVersion } = send;
    const type = this.#catalog(catalogVersion).notification(decision.notification_type);
    const notificationId = decision.notification_id as string;
    this.batch.notifications.push({
      userId: user.userId,
      notificationId,
      type: type.name,
      category: type.category,
      rule: decision.rule,
      decisionId: decision.decision_id,
      eventId: trigger.eventId,
      catalogVersion,
      dataText: dataText(user, send),
    });
    for (const plan of planNotification(type, rule.channels, this.batch.now)) {
      this.batch.deliveries.push({ userId: user.userId, notificationId, type: type.name, ...plan });
    }
  }
}

/** What its templates may show. The event that was just read has its text already; one that waited in the database has not. */
function dataText(user: UserState, { trigger, matched, data, items, total }: Send): string {
  const read = 'propertiesText' in trigger ? (trigger as ReceivedEvent) : undefined;
  const properties = read?.propertiesText ?? jsonText(trigger.properties);
  const traits = read?.traitsText ?? jsonText(trigger.traits);
  const about = jsonText({ event_type: trigger.type, event_timestamp: isoTime(trigger.time) });
  let text = `{"event":${properties},"traits":${traits},"user":${jsonText(user.profile.traits)},"about":${about}`;
  if (matched) text += `,"matched":${jsonText(matched)}`;
  if (data) text += `,"data":${jsonText(data)}`;
  if (items) text += `,"items":${jsonText(items as unknown as Json)},"total":${total ?? items.length}`;
  return `${text}}`;
}
