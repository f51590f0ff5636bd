import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import type { Connectors } from '../catalog/compile/compile-connectors.ts';
import { jsonText } from '../events/content.ts';
import { type ReceivedEvent, withPostedAddresses } from '../events/envelope.ts';
import { toCorrelation } from '../events/envelopes/context.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Json, Millis, Profile } from '../model/event.ts';
import { NO_POLICY, REGION_TRAIT } from '../model/preferences.ts';
import { isTestTenant } from '../model/principal.ts';
import { CONSENT_RECORDED, NO_TERMS, type Terms } from '../model/terms.ts';
import { planNotification } from '../plan/plan.ts';
import { planOnTerms } from '../plan/plan-on-terms.ts';
import { documentRow, sealDocument } from '../privacy/documents.ts';
import type { CompiledRule, RuleSet } from '../rules/compile/rule-set.ts';
import type { Send, Verdicts } from '../rules/context.ts';
import {
  type DecisionInputs,
  decideInOrder,
  decideInSlices,
  type EventStep,
  fireWaitsInOrder,
  fireWaitsInSlices,
  type Generation,
  migrateInOrder,
  runOccurrences,
  setAsideInOrder,
} from '../rules/decide-in-order.ts';
import type { Wait } from '../rules/facts.ts';
import type { UserState } from '../rules/user-state.ts';
import type { Batch } from '../store/batch.ts';
import type { TraitConflict } from '../store/facts/trait-times.ts';
import { maskState, sealWait } from '../store/waits/wait-content.ts';
import { canonicalZone, resolveZone } from '../time/calendar.ts';
import type { AddressChanges } from '../users/addresses.ts';
import { conflictingTraits, isSameValue, maskProfile, needsWrite } from '../users/profile.ts';
import type { CpuBudget } from './bounds/cpu-budget.ts';
import { condenseContents, toExcerptText } from './bounds/large-contents.ts';
import type { Cohort, Cohorts } from './cohorts.ts';
import { toConsentRow } from './consent-row.ts';
import { toAuditEntry } from './event-audit.ts';
import { toGoalRows } from './goal-rows.ts';
import type { Facts } from './load-facts.ts';
import { toSearchName } from './search-name.ts';
import { SinkMessages } from './sink-messages.ts';
import { type TemplateData, toTemplateData } from './template-data.ts';
import { toEventFact } from './webhook-facts.ts';

/** The work that is left after waits have fired. */
interface Fired {
  readonly emitted: readonly ReceivedEvent[];
  readonly left: readonly Wait[];
}

/** Traits on which the time of a message depends. */
const PLAN_TRAITS = ['time_zone', REGION_TRAIT] as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/**
 * One transaction's work in memory: decides, plans, and gathers all that is to be written. Nothing here waits or asks.
 * Events that rules emit come back from each step, to be given in again when their facts are known.
 */
export class BatchDecider {
  readonly batch: Mutable<Batch>;
  /** The active catalogs, and those that waits started with. Code that attaches further waits adds their versions. */
  readonly versions: Map<number, Catalog>;
  readonly #cohorts: Cohorts;
  readonly #inputs: ReadonlyMap<Cohort, DecisionInputs>;
  readonly #facts: Facts;
  readonly #addresses: AddressChanges;
  /** Undefined: the catalog names no connector. What a test key posts asks no other service. */
  readonly #connectors: Connectors | undefined;
  /** Undefined: no topic is open. What a test key posts goes to no topic. */
  readonly #sinks: SinkMessages | undefined;
  /** Users with decisions, by user ID, each with the profile as stored. */
  readonly #users = new Map<string, { readonly user: UserState; readonly before: Profile; readonly terms: Terms }>();
  /** Keys of the events that this batch has decided. */
  readonly #decidedKeys = new Set<string>();

  constructor(now: Millis, cohorts: Cohorts, facts: Facts, addresses: AddressChanges) {
    const { tenantId, ids } = facts;
    this.versions = new Map(cohorts.all.map(({ catalog }) => [catalog.version, catalog]));
    this.#cohorts = cohorts;
    const shared = { tenantId, now, ids, getUser: (userId: string) => this.#user(userId), plan: planOnTerms };
    const at = (version: number) => this.#catalog(version).rules;
    this.#inputs = new Map(
      cohorts.all.map((cohort) => [cohort, { ...shared, rules: { active: cohort.catalog.rules, at } }]),
    );
    this.#facts = facts;
    this.#addresses = addresses;
    this.batch = {
      tenantId,
      now,
      release: cohorts.release ?? null,
      events: [],
      profiles: [],
      terms: [],
      consents: [],
      audit: [],
      replanned: [],
      addresses: [],
      uses: [],
      notifications: [],
      deliveries: [],
      facts: [],
      waits: [],
      tasks: [],
      outbox: [],
    };
    const isTest = isTestTenant(tenantId);
    // Parts that are not of a user follow the version before, until a release is finished.
    const { connectors, sinks } = cohorts.base.catalog;
    this.#connectors = isTest ? undefined : connectors;
    if (sinks && !isTest && facts.openTopics !== null) this.#sinks = new SinkMessages(facts, sinks, facts.openTopics);
  }

  /**
   * Decides events whose facts are loaded, in order of event time.
   * @returns the events that rules emitted, without those that this batch decided already: load their facts, then call again
   */
  decide(fresh: readonly ReceivedEvent[]): ReceivedEvent[] {
    for (const { key } of fresh) this.#decidedKeys.add(key);
    return this.#split(fresh).flatMap(([inputs, own]) => this.#addDecided(decideInOrder(inputs, own)));
  }

  /**
   * Like `decide`, but within the budget, and lets the event loop serve others in between.
   * @throws CpuBudgetError when the budget is used up: what this object has gathered is then incomplete
   */
  async decideWithin(budget: CpuBudget, fresh: readonly ReceivedEvent[]): Promise<ReceivedEvent[]> {
    for (const { key } of fresh) this.#decidedKeys.add(key);
    budget.resume();
    const emitted: ReceivedEvent[] = [];
    for (const [shared, own] of this.#split(fresh)) {
      const inputs = { ...shared, spend: (userId: string) => budget.spend(userId) };
      emitted.push(...this.#addDecided(await decideInSlices(inputs, own, () => budget.pause())));
    }
    return emitted;
  }

  /** Returns what is to be decided, by the version that decides about its user; nothing where there is nothing to decide. */
  #split<T extends { readonly userId: string }>(all: readonly T[]): (readonly [DecisionInputs, readonly T[]])[] {
    return this.#cohorts.all.flatMap((cohort) => {
      const own = cohort.pick(all);
      return own.length === 0 ? [] : [[this.#inputs.get(cohort) as DecisionInputs, own] as const];
    });
  }

  /** The catalog that decides about a user. */
  #catalogOf(userId: string): Catalog {
    return this.#cohorts.of(userId).catalog;
  }

  #addDecided({ steps, emitted }: Generation<EventStep<ReceivedEvent>>): ReceivedEvent[] {
    for (const { event, user, before, termsBefore, profile, verdicts } of steps) {
      const isNewAddress = this.#addresses.mergeAddresses(before, profile, event);
      const { version: catalogVersion, rules } = this.#catalogOf(event.userId);
      const isCompared = isNewAddress && rules.comparesAddresses;
      const sealed = this.#sealEvent(isCompared ? withPostedAddresses(event) : event);
      const { decisions } = verdicts;
      this.batch.events.push({ event, sealed, excerpt: toExcerptText(event), decisions, catalogVersion });
      this.#collect(user, profile, verdicts);
      this.#addFact(event);
      if (this.#sinks) this.batch.outbox.push(...this.#sinks.ofEvent(event));
      this.#addDecisions(user, verdicts, event);
      if (this.#connectors !== undefined) this.#addTasks(this.#connectors, event);
      if (event.beside?.audit) this.batch.audit.push(toAuditEntry(event, event.beside.audit, termsBefore));
      if (event.type === CONSENT_RECORDED) this.batch.consents.push(toConsentRow(this.#facts, event));
    }
    return this.#dropDecided(emitted);
  }

  #addFact(event: ReceivedEvent): void {
    const { heardTypes, ids, seal } = this.#facts;
    if (heardTypes === null) return;
    const found = toEventFact(seal, heardTypes, event, ids.fresh());
    if (!found) return;
    this.batch.facts.push(found.fact);
    this.batch.notifications.push(found.notification);
  }

  /** @param trigger the event that was decided, or that a wait began with; undefined: a schedule */
  #addDecisions(
    { userId }: UserState,
    { decisions }: Verdicts,
    trigger: Parameters<SinkMessages['ofDecisions']>[2]['trigger'],
  ): void {
    if (!this.#sinks) return;
    const { version: catalogVersion } = this.#catalogOf(userId);
    const { now } = this.batch;
    this.batch.outbox.push(...this.#sinks.ofDecisions(userId, decisions, { catalogVersion, now, trigger }));
  }

  #addTasks(connectors: Connectors, event: ReceivedEvent): void {
    for (const connector of connectors.findTriggered(event)) {
      const taskId = this.#facts.ids.fromText(`${connector} ${event.key}`);
      this.batch.tasks.push({ taskId, connector, kind: 'customer-import', userId: event.userId, productId: null });
    }
  }

  /**
   * Fires due waits in order of due time, of each user up to the first that emits an event. Lets the event loop serve others
   * in between.
   * @throws CpuBudgetError when the budget is used up: what this object has gathered is then incomplete
   * @returns `emitted`: decide these first; `left`: then call again with these waits
   */
  async fireWaitsWithin(budget: CpuBudget, due: readonly Wait[]): Promise<Fired> {
    budget.resume();
    const all: Fired[] = [];
    for (const [shared, own] of this.#split(due)) {
      const inputs = { ...shared, spend: (userId: string) => budget.spend(userId) };
      all.push(this.#addFired(await fireWaitsInSlices(inputs, own, () => budget.pause())));
    }
    return uniteFired(all);
  }

  /** Like `fireWaitsWithin`, without a budget and at once. */
  fireWaits(due: readonly Wait[]): Fired {
    return uniteFired(this.#split(due).map(([inputs, own]) => this.#addFired(fireWaitsInOrder(inputs, own))));
  }

  #addFired({ steps, emitted, left }: ReturnType<typeof fireWaitsInOrder>): Fired {
    for (const { wait, user, profile, verdicts } of steps) {
      const { version: decidedBy } = this.#catalogOf(user.userId);
      this.batch.waits.push({ wait, decisions: verdicts.decisions, decidedBy });
      this.#collect(user, profile, verdicts);
      this.#addDecisions(user, verdicts, wait.state.trigger);
    }
    return { emitted: this.#dropDecided(emitted), left };
  }

  /** Ends waits without firing them, with failed decisions: see `setAsideInOrder`. */
  setAsideWaits(waits: readonly Wait[]): void {
    for (const [inputs, own] of this.#split(waits)) {
      for (const { wait, user, verdicts } of setAsideInOrder(inputs, own)) {
        this.batch.waits.push({ wait, decisions: verdicts.decisions });
        this.#user(user.userId);
        this.#addDecisions(user, verdicts, wait.state.trigger);
      }
    }
  }

  /**
   * Runs an occurrence of a scheduled rule for these users, each by the rule that decides about them.
   * @param localTimeKey the occurrence as local time: a user has each of them once
   * @param budget undefined: leaves each occurrence to the timer, as a wait that is due
   * @throws CpuBudgetError when the budget is used up: what this object has gathered is then incomplete
   * @returns the events that rules emitted
   */
  runSchedule(
    audience: readonly { readonly rule: CompiledRule; readonly cohort: Cohort; readonly userIds: readonly string[] }[],
    due: Millis,
    localTimeKey: string,
    budget: CpuBudget | undefined,
  ): ReceivedEvent[] {
    budget?.resume();
    return audience.flatMap(({ rule, cohort, userIds }) => {
      const shared = this.#inputs.get(cohort) as DecisionInputs;
      const inputs = budget ? { ...shared, spend: (userId: string) => budget.spend(userId) } : shared;
      const { steps, emitted } = runOccurrences(inputs, rule, userIds, due, localTimeKey, budget === undefined);
      for (const { wait, user, profile, verdicts } of steps) {
        if (wait) this.batch.waits.push({ wait, decisions: verdicts.decisions });
        this.#collect(user, profile, verdicts);
        this.#addDecisions(user, verdicts, undefined);
      }
      return this.#dropDecided(emitted);
    });
  }

  /** Moves open waits to the version that decides about their user. Returns those that were moved, open or ended. */
  migrateWaits(waits: readonly Wait[]): readonly Wait[] {
    const steps = this.#split(waits).flatMap(([inputs, own]) => migrateInOrder(inputs, own));
    for (const { wait, user, verdicts } of steps) {
      this.batch.waits.push({ wait, decisions: verdicts.decisions });
      this.#user(user.userId);
      this.#addDecisions(user, verdicts, wait.state.trigger);
    }
    return steps.map(({ wait }) => wait);
  }

  /** The rules that a wait goes by. */
  getWaitRules(wait: Wait): RuleSet {
    return this.#catalog(wait.catalogVersion).rules;
  }

  /** Returns the traits and addresses of known profiles that the events would change: see loadTraitTimes. */
  conflictingTraits(fresh: readonly ReceivedEvent[]): TraitConflict[] {
    const all: TraitConflict[] = [];
    for (const event of fresh) {
      const { userId, profile } = this.#user(event.userId);
      // A user without a row has no stored trait times.
      if (!this.#facts.addressHashes.has(userId)) continue;
      for (const trait of conflictingTraits(profile, event.traits, event.time))
        all.push({ userId, trait, at: event.at });
      for (const trait of this.#addresses.conflictingAddresses(profile, event))
        all.push({ userId, trait, at: event.at });
      // Whether a trait stands for consent depends on which was said later.
      if (event.type === CONSENT_RECORDED)
        for (const trait of this.#catalogOf(userId).rules.consentTraits) all.push({ userId, trait, at: event.at });
    }
    return all;
  }

  /** Everything that is to be written. */
  buildBatch(): Batch {
    for (const { user, before, terms } of this.#users.values()) {
      const { userId, profile } = user;
      if (user.terms !== terms) this.batch.terms.push({ userId, terms: user.terms });
      if (user.terms !== terms || this.#hasMoved(user, before)) this.batch.replanned.push(userId);
      const isNew = !this.#facts.addressHashes.has(userId);
      const isChanged = needsWrite(before, profile) || this.#renewsConsent(user, before);
      if (!isNew && !this.#addresses.hasChanged(userId) && !isChanged) continue;
      // Only an event creates a user; schedules and waits concern known users.
      const zone =
        typeof profile.traits.time_zone === 'string' ? canonicalZone(resolveZone('user', profile.traits)) : null;
      const addressHashes = this.#addresses.getHashes(userId);
      const stored = this.#sealProfile(userId, profile);
      const name = toSearchName(stored.profile.traits);
      this.batch.profiles.push({ userId, ...stored, addressHashes, zone, name, isNew });
    }
    this.batch.addresses.push(...this.#addresses.getChanges());
    const written = new Set(this.batch.waits.map(({ wait }) => wait));
    for (const { waits } of this.#facts.users.values()) {
      for (const wait of waits.values()) {
        if (wait.stored !== 'same' && !written.has(wait)) this.batch.waits.push({ wait, decisions: [] });
      }
    }
    for (const [index, write] of this.batch.waits.entries()) {
      const wait = this.#condenseWait(write.wait);
      this.batch.waits[index] = { ...write, wait, sealed: this.#sealWait(wait) };
    }
    this.batch.goals = toGoalRows(this.batch, this.versions);
    return this.batch;
  }

  /** Whether the plan may decide otherwise about what the user waits for: their local time, or what they have, is another. */
  #hasMoved({ userId, profile, terms }: UserState, { traits }: Profile): boolean {
    if (profile.traits === traits) return false;
    if (terms === NO_TERMS && this.#catalogOf(userId).rules.policy === NO_POLICY) return false;
    return PLAN_TRAITS.some((trait) => !isSameValue(profile.traits[trait] ?? null, traits[trait] ?? null));
  }

  /** Whether a trait that stands for consent was said again, of a user who withdrew consent: what was said later counts. */
  #renewsConsent({ userId, profile, terms }: UserState, { traitTimes }: Profile): boolean {
    const { consentTraits } = this.#catalogOf(userId).rules;
    if (consentTraits.length === 0 || profile.traitTimes === traitTimes) return false;
    if (!Object.values(terms.k ?? {}).some(({ state }) => state === 'withdrawn')) return false;
    return consentTraits.some((trait) => profile.traitTimes[trait] !== traitTimes[trait]);
  }

  #sealEvent({ userId, key, sealText }: ReceivedEvent): Buffer | null {
    if (sealText === null) return null;
    const { tenantId, seal } = this.#facts;
    return sealDocument(seal, sealText, documentRow('events', tenantId, userId, key));
  }

  #sealProfile(userId: string, profile: Profile): { readonly profile: Profile; readonly sealed: Buffer | null } {
    const masked = maskProfile(profile);
    if (masked === profile) return { profile, sealed: null };
    const { tenantId, seal } = this.#facts;
    const text = jsonText(profile as unknown as Json);
    return { profile: masked, sealed: sealDocument(seal, text, documentRow('users', tenantId, userId)) };
  }

  #condenseWait(wait: Wait): Wait {
    const state = condenseContents(wait.state, this.#catalog(wait.catalogVersion).namedFields);
    return state === wait.state ? wait : { ...wait, state };
  }

  #sealWait(wait: Wait): Buffer | null {
    const { tenantId, seal } = this.#facts;
    return maskState(wait.state) === wait.state ? null : sealWait(seal, tenantId, wait);
  }

  #catalog(version: number): Catalog {
    return this.versions.get(version) as Catalog;
  }

  #user(userId: string): UserState {
    const known = this.#users.get(userId);
    if (known) return known.user;
    const user = this.#facts.users.get(userId) as UserState;
    this.#users.set(userId, { user, before: user.profile, terms: user.terms });
    return user;
  }

  #collect({ userId }: UserState, profile: Profile, { uses, sends }: Verdicts): void {
    for (const use of uses) this.batch.uses.push({ ...use, userId });
    for (const send of sends) this.#plan(userId, profile, send);
  }

  #dropDecided(emitted: readonly ReceivedEvent[]): ReceivedEvent[] {
    return emitted.filter(({ key }) => !this.#decidedKeys.has(key));
  }

  #plan(userId: string, profile: Profile, send: Send): void {
    const { decision, trigger, rule, catalogVersion } = send;
    const catalog = this.#catalog(catalogVersion);
    const type = catalog.getNotificationType(decision.notification_type);
    const condensed = condenseContents(send, catalog.namedFields);
    const notificationId = decision.notification_id as string;
    const plans = send.plans ?? planNotification(type, rule.channels, this.batch.now, send.direct);
    this.batch.notifications.push({
      userId,
      notificationId,
      type: type.name,
      category: type.category,
      rule: decision.rule,
      decisionId: decision.decision_id,
      eventId: trigger.eventId,
      catalogVersion,
      correlationId: trigger.context ? toCorrelation(trigger.context.correlation_id) : null,
      isForEndpoints: plans.some(({ channel }) => CHANNEL_DESCRIPTORS[channel].targets === 'endpoints'),
      ...this.#sealData(userId, notificationId, toTemplateData(profile, condensed)),
    });
    for (const plan of plans) {
      this.batch.deliveries.push({ userId, notificationId, type: type.name, catalogVersion, ...plan });
    }
  }

  #sealData(userId: string, notificationId: string, data: TemplateData): { dataText: string; sealed: Buffer | null } {
    const { originals, text } = data;
    if (originals === null) return { dataText: text, sealed: null };
    const { tenantId, seal } = this.#facts;
    const row = documentRow('notifications', tenantId, userId, notificationId);
    return { dataText: text, sealed: sealDocument(seal, originals, row) };
  }
}

function uniteFired(all: readonly Fired[]): Fired {
  return { emitted: all.flatMap(({ emitted }) => emitted), left: all.flatMap(({ left }) => left) };
}
