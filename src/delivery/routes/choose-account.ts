import type pg from 'pg';
import type { CompiledRoute, Routes } from '../../catalog/compile/compile-routes.ts';
import type { Provider } from '../../channels/provider.ts';
import { type Channel, PRIORITIES, type SendOutcome } from '../../model/delivery.ts';
import { formatDeliveryId } from '../../model/delivery-id.ts';
import type { JsonObject } from '../../model/event.ts';
import { isTestTenant } from '../../model/principal.ts';
import { INSTALLATION_ACCOUNT } from '../../model/route.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import type { ClaimedDelivery } from '../../store/deliveries/claimed-delivery.ts';
import { type EarlierAttempt, loadEarlierAttempts } from '../../store/deliveries/earlier-attempts.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Circuits } from '../circuits.ts';
import { TEST_PROVIDER, type TenantAccounts, takesService } from '../tenant-accounts.ts';
import type { RouteCache } from './catalog-routes.ts';
import type { MessageFacts } from './message-facts.ts';
import { NO_ACCOUNT } from './no-account.ts';
import { type Candidate, getRouteName, groupByTier, rankAccounts } from './rank-accounts.ts';
import type { RouteMoves } from './route-moves.ts';

/** The account that a message goes by. */
export interface ChosenAccount {
  readonly provider: Provider;
  /** The reason, as a sentence without its period; null: there was no choice. */
  readonly choice: string | null;
  /** Whether the account is written before the send: after a crash the next attempt could not tell which one it was. Default false. */
  readonly mustRecord?: boolean;
  /** Whether there are others that may send it if this one fails. Default false. */
  readonly hasOthers?: boolean;
  /** Outcome of the attempt: no account may send the message. */
  readonly failure?: SendOutcome;
}

export interface AccountChooserOptions {
  readonly pool: pg.Pool;
  readonly routes: RouteCache;
  /** Providers of the installation, by channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly accounts: TenantAccounts;
  readonly circuits: Circuits;
  readonly moves: RouteMoves;
  readonly getTenant: (tenantId: string) => TenantProfile | Promise<TenantProfile>;
  /** Returns what the choice may ask about a message. */
  readonly getFacts: (delivery: ClaimedDelivery) => MessageFacts;
}

/**
 * Chooses the account that each message goes by: that of the route of its channel in the active catalog, or else of the accounts in
 * the order of their places. A tenant without accounts goes by the installation, a test tenant by the sandbox.
 */
export class AccountChooser {
  readonly #options: AccountChooserOptions;

  constructor(options: AccountChooserOptions) {
    this.#options = options;
  }

  /**
   * Returns the account of a delivery; a promise only where something has to be loaded.
   * @throws Error if the accounts of the tenant cannot be loaded or opened
   */
  choose(delivery: ClaimedDelivery): ChosenAccount | Promise<ChosenAccount> {
    const { tenantId, channel } = delivery;
    if (isTestTenant(tenantId)) return { provider: TEST_PROVIDER, choice: null };
    const own = this.#options.accounts.list(tenantId, channel);
    return own instanceof Promise
      ? own.then((found) => this.#chooseFrom(found, delivery))
      : this.#chooseFrom(own, delivery);
  }

  #chooseFrom(own: readonly Provider[], delivery: ClaimedDelivery): ChosenAccount | Promise<ChosenAccount> {
    const { channel, attempt, lastAccount } = delivery;
    const isFirst = attempt === 1 && lastAccount === null;
    if (own.length === 0 && isFirst) return { provider: this.#getInstallation(channel), choice: null };
    const found = own.length === 0 ? NO_ROUTES : this.#options.routes.find(delivery);
    const chooseBy = ({ routes }: { readonly routes: Routes }) => this.#chooseBy(routes.get(channel), own, delivery);
    return found instanceof Promise ? found.then(chooseBy) : chooseBy(found);
  }

  #chooseBy(
    route: CompiledRoute | undefined,
    own: readonly Provider[],
    delivery: ClaimedDelivery,
  ): ChosenAccount | Promise<ChosenAccount> {
    const isFirst = delivery.attempt === 1 && delivery.lastAccount === null;
    if (!route && own.length === 1 && isFirst) return { provider: own[0] as Provider, choice: null };
    return this.#weigh(own, route, delivery);
  }

  #getInstallation(channel: Channel): Provider {
    return this.#options.providers.get(channel) as Provider;
  }

  async #weigh(
    own: readonly Provider[],
    route: CompiledRoute | undefined,
    delivery: ClaimedDelivery,
  ): Promise<ChosenAccount> {
    const facts = this.#options.getFacts(delivery);
    const earlier = delivery.attempt > 1 ? await loadEarlierAttempts(this.#options.pool, delivery) : [];
    const doubts = earlier.filter(({ outcome }) => outcome === 'in_doubt');
    // A message in doubt went by the account itself, if its failover began meanwhile.
    const getTarget = doubts.length > 0 ? (one: Provider) => one : (one: Provider) => followFailover(one, own);
    const all = await this.#findCandidates(own, route, delivery, { facts, getTarget });
    const doubt = doubts.find(({ provider }) => provider !== UNKNOWN);
    if (doubt) return this.#keepInDoubt([...own, this.#getInstallation(delivery.channel)], doubt);
    const candidates = await selectAble(all, facts);
    const [only] = candidates;
    if (!only) return toUnroutable(delivery.channel, own);
    // Its account was not written: it was the one that comes first when nothing is moved.
    if (doubts.length > 0) return { provider: getNatural(candidates, delivery).provider, choice: DOUBT };
    if (candidates.length === 1) {
      if (!route && only.insteadOf === undefined) return { provider: only.provider, choice: null };
      return {
        provider: only.provider,
        choice: describePlace(only, candidates, delivery, route !== undefined),
        mustRecord: true,
      };
    }
    return this.#pick(candidates, delivery, earlier, route !== undefined);
  }

  /** Returns the account of the doubt: no other one sends the message, whatever the routes say meanwhile. */
  #keepInDoubt(accounts: readonly Provider[], { account, provider: name }: EarlierAttempt): ChosenAccount {
    const same = accounts.find((one) => (one.account ?? null) === account && (account !== null || one.name === name));
    if (same) return { provider: same, choice: DOUBT };
    const reason = `an earlier attempt by ${account ?? name} is in doubt, and this account sends no more messages of the channel`;
    return {
      provider: NO_ACCOUNT,
      choice: null,
      failure: { kind: 'in_doubt', code: 'account_gone', reason, fault: 'account' },
    };
  }

  /** Returns the accounts that may send the message: those of the route whose conditions hold, or all in the order of their places. */
  async #findCandidates(
    own: readonly Provider[],
    route: CompiledRoute | undefined,
    delivery: ClaimedDelivery,
    { facts, getTarget }: { readonly facts: MessageFacts; readonly getTarget: (one: Provider) => Provider },
  ): Promise<Candidate[]> {
    const installation = this.#getInstallation(delivery.channel);
    if (!route) {
      const providers = own.length === 0 ? [installation] : own;
      return providers.map((one, index) => toCandidate(one, getTarget(one), { tier: index + 1, weight: 1 }));
    }
    const byName = new Map([installation, ...own].map((provider) => [getRouteName(provider), provider]));
    const needsMessage = route.entries.some(({ condition }) => condition);
    const message = needsMessage ? await this.#describeMessage(delivery, route, facts) : {};
    const found = new Map<string, Candidate>();
    for (const { account, tier, weight, when, condition } of route.entries) {
      const named = byName.get(account);
      if (!named) continue;
      if (condition && condition.evaluate({ event: {}, traits: {}, user: {}, message }).kind !== 'true') continue;
      const place = { tier, weight, ...(when === undefined ? {} : { when }) };
      const candidate = toCandidate(named, getTarget(named), place);
      const known = found.get(account);
      if (!known || isBefore(candidate, known)) found.set(account, candidate);
    }
    return [...found.values()];
  }

  async #describeMessage(delivery: ClaimedDelivery, route: CompiledRoute, facts: MessageFacts): Promise<JsonObject> {
    const { tenantId, notificationType, category, priority } = delivery;
    const { name, settings } = await this.#options.getTenant(tenantId);
    const { locale, zone, branding } = settings;
    const about = {
      id: tenantId,
      name,
      ...(locale === undefined ? {} : { locale }),
      ...(zone === undefined ? {} : { zone }),
      ...(branding === undefined ? {} : { branding }),
    };
    return {
      type: notificationType,
      category,
      priority: PRIORITIES[priority] as string,
      ...(route.readsAddress ? facts.describeAddress() : {}),
      tenant: about,
    };
  }

  /** Picks one of several accounts. */
  async #pick(
    candidates: readonly Candidate[],
    delivery: ClaimedDelivery,
    earlier: readonly EarlierAttempt[],
    isRoute: boolean,
  ): Promise<ChosenAccount> {
    const { circuits, moves } = this.#options;
    await moves.refresh();
    const isUsable = ({ provider }: Candidate) => circuits.state(provider) !== 'open';
    for (const { provider } of candidates) {
      if (moves.find(delivery, provider) && circuits.state(provider) === 'closed') moves.moveBack(delivery, provider);
    }
    const natural = getNatural(candidates, delivery);
    const order = putLast(
      rank(candidates, delivery, ({ provider }) => moves.getShare(delivery, provider)),
      earlier,
    );
    let chosen = order[0] as Candidate;
    if (!isUsable(chosen)) {
      const next = order.find(isUsable);
      if (next && (await this.#mayLeave(chosen, delivery))) chosen = next;
    }
    const why = this.#explain(chosen, natural, delivery, earlier);
    const place = describePlace(chosen, candidates, delivery, isRoute);
    return {
      provider: chosen.provider,
      choice: why === undefined ? place : `${place}; ${why}`,
      // A route may change meanwhile; of accounts without one, the first is found again.
      mustRecord: isRoute || chosen !== natural || chosen.insteadOf !== undefined,
      // Two candidates may be one account, to which the other fails over.
      hasOthers: candidates.some(({ provider }) => provider !== chosen.provider),
    };
  }

  /** Whether messages may go by other accounts than this one, whose circuit is open; moves them if they may. */
  async #mayLeave({ provider }: Candidate, delivery: ClaimedDelivery): Promise<boolean> {
    const { circuits, moves } = this.#options;
    const isMoved = () => moves.find(delivery, provider) !== undefined;
    if (isMoved()) return true;
    await moves.moveAway(delivery, provider, circuits.findCause(provider) ?? 'its circuit is open');
    // By this process, or by another that saw it first.
    return isMoved();
  }

  /** Returns why a message does not go by the account that is its first choice; undefined: it does. */
  #explain(
    chosen: Candidate,
    natural: Candidate,
    delivery: ClaimedDelivery,
    earlier: readonly EarlierAttempt[],
  ): string | undefined {
    if (chosen === natural) return undefined;
    const name = getRouteName(natural.provider);
    const move = this.#options.moves.find(delivery, natural.provider);
    if (move) {
      return `messages are moved away from ${name} since ${isoTime(move.since)}, which keeps ${move.share}%: ${move.cause}`;
    }
    if (listFailed(earlier).includes(name)) return `${name} failed in an earlier attempt`;
    return `${name} cannot be used now`;
  }
}

const NO_ROUTES: { readonly routes: Routes } = { routes: new Map() };
/** Provider of an attempt whose worker ended in the middle of it. */
const UNKNOWN = 'unknown';
const DOUBT = 'an earlier attempt may have sent the message, and what is in doubt goes by no other account';

/** Returns the account that the messages of one go by: another one while it fails over to it. */
function followFailover(one: Provider, own: readonly Provider[]): Provider {
  const { failoverTo } = one;
  return (failoverTo !== undefined && own.find(({ account }) => account === failoverTo)) || one;
}

function toCandidate(named: Provider, provider: Provider, place: Omit<Candidate, 'provider' | 'insteadOf'>): Candidate {
  return { ...place, provider, ...(named === provider ? {} : { insteadOf: getRouteName(named) }) };
}

function rank(
  candidates: readonly Candidate[],
  delivery: ClaimedDelivery,
  getShare: (candidate: Candidate) => number,
): Candidate[] {
  return rankAccounts(candidates, `${delivery.tenantId} ${formatDeliveryId(delivery)}`, getShare);
}

/** Returns the candidate that comes first when no messages are moved. */
function getNatural(candidates: readonly Candidate[], delivery: ClaimedDelivery): Candidate {
  return rank(candidates, delivery, () => 100)[0] as Candidate;
}

function isBefore(one: Candidate, other: Candidate): boolean {
  return groupByTier([other, one])[0]?.[0] === one;
}

/** Returns the candidates that can send the message as it is, or all if none can: the attempt then says why. */
async function selectAble(candidates: readonly Candidate[], facts: MessageFacts): Promise<readonly Candidate[]> {
  let able = candidates;
  if (able.length > 1 && facts.findService && able.some(({ provider }) => provider.services)) {
    const service = await facts.findService();
    able = preferAble(able, ({ provider }) => takesService(provider, service));
  }
  const takesHosted = ({ provider }: Candidate) => provider.takesHosted === true || provider.isSubstitute === true;
  if (able.length > 1 && able.some(takesHosted) && !able.every(takesHosted) && (await facts.needsHosted())) {
    able = preferAble(able, takesHosted);
  }
  return able;
}

function preferAble(candidates: readonly Candidate[], isAble: (candidate: Candidate) => boolean): readonly Candidate[] {
  const able = candidates.filter(isAble);
  return able.length > 0 ? able : candidates;
}

/** Returns the names of the accounts that failed for this delivery for reasons of their own, the one that did so last first. */
function listFailed(earlier: readonly EarlierAttempt[]): string[] {
  const failed = earlier.filter(
    ({ scope, provider }) => (scope === 'account' || scope === 'provider') && provider !== NO_ACCOUNT.name,
  );
  return [...new Set(failed.map(({ account }) => account ?? INSTALLATION_ACCOUNT))];
}

/** Puts accounts that failed for this delivery behind the others, the one that failed last at the end. */
function putLast(order: readonly Candidate[], earlier: readonly EarlierAttempt[]): readonly Candidate[] {
  const failed = listFailed(earlier);
  if (failed.length === 0) return order;
  const toPlace = ({ provider }: Candidate) => {
    const at = failed.indexOf(getRouteName(provider));
    return at === -1 ? 0 : failed.length - at;
  };
  return [...order].sort((a, b) => toPlace(a) - toPlace(b));
}

function describePlace(
  chosen: Candidate,
  candidates: readonly Candidate[],
  { channel }: ClaimedDelivery,
  isRoute: boolean,
): string {
  const instead = chosen.insteadOf === undefined ? '' : `, for ${chosen.insteadOf}, which fails over to it`;
  if (!isRoute)
    return `${chosen.tier === 1 ? 'first' : `number ${chosen.tier}`} of the accounts for ${channel}${instead}`;
  const group = groupByTier(candidates).find((one) => one.includes(chosen)) ?? [chosen];
  const total = group.reduce((sum, { weight }) => sum + weight, 0);
  const share = group.length === 1 ? '' : `, weight ${chosen.weight} of ${total}`;
  const condition = chosen.when === undefined ? '' : `, as ${chosen.when}`;
  return `tier ${chosen.tier} of the route of ${channel}${share}${condition}${instead}`;
}

function toUnroutable(channel: Channel, own: readonly Provider[]): ChosenAccount {
  const names = own.map(getRouteName).join(', ');
  const reason = `the route of ${channel} in the catalog has no account for this message; the tenant has: ${names}`;
  return { provider: NO_ACCOUNT, choice: null, failure: { kind: 'misconfigured', code: 'no_account', reason } };
}
