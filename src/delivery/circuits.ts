import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { writeNotice } from '../channels/internal/notices.ts';
import type { Provider } from '../channels/provider.ts';
import { CircuitBreaker, OPENING_WEIGHT } from '../lib/concurrency/circuit-breaker.ts';
import type { Channel, SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { CircuitCode, CircuitPlace, StoredCircuit } from '../store/deliveries/circuits.ts';
import { isoTime } from '../time/iso-time.ts';
import type { CircuitReceiver, CircuitSharing } from './circuit-sharing.ts';

/** Accounts with failures and a closed circuit that are tracked; of more, those without a recent failure are forgotten. */
const MAX_FAILING_ACCOUNTS = 10_000;
/** The same of domains. */
const MAX_FAILING_DOMAINS = 1000;
/** Circuits of accounts, and as many of domains, that are open at the same time; beyond that, failures of further ones open none. */
const MAX_OPEN = 10_000;
/** Time in ms without a delivery to an open circuit after which a further one may take its place. */
const UNUSED_MS = 24 * 3_600_000;
/** Weight of a send without a response: it occupied its slot for the whole timeout. Five in a row open a circuit. */
const TIMEOUT_WEIGHT = OPENING_WEIGHT / 5;
/** Circuits that a report names, at most. */
export const MAX_REPORTED_CIRCUITS = 20;
/** The longest pause in ms that a provider can ask for. */
const MAX_ASKED_PAUSE_MS = 24 * 3_600_000;
/** Time in ms after which it is asked again whether a probe is to be had that another delivery asks for. */
const PROBE_ASKED_MS = 1000;
/** Time in ms that a probe is kept beyond the limit of its send: its worker may have died, or stand still. */
const PROBE_GRACE_MS = 10_000;

/** A circuit that is not closed. Times are ISO 8601 in UTC. */
export interface OpenCircuit {
  readonly provider: string;
  /** The account of a tenant; null: that of the installation. */
  readonly account: string | null;
  /** The domain of the recipients; null: the provider itself. */
  readonly domain: string | null;
  /** Owner: the installation's own account with the provider, an account of a tenant, or a domain of recipients. */
  readonly of: 'installation' | 'account' | 'domain';
  readonly since: string;
  /** Why nothing is sent: `failures` in a row, `misconfigured`, or the provider asked for a pause (`retry_after`). */
  readonly code: CircuitCode;
  /** Why the send failed that opened it. */
  readonly cause: string;
  readonly next_probe_at: string;
}

interface Circuit {
  readonly place: CircuitPlace;
  readonly breaker: CircuitBreaker;
  /** Set while it is not closed. */
  outage?: { readonly since: Millis; readonly cause: string; readonly code: CircuitCode };
  /** As it is stored; absent: it is not, or not yet. */
  version?: number;
  /** When its probe started, or was asked for, by the monotonic clock. */
  probingSince?: Millis;
  /** Until when another process may be probing it, by the monotonic clock; absent or past: none is. */
  probedElsewhereUntil?: Millis;
  /** While it is open: when a delivery was last to be sent to it, by the monotonic clock. */
  usedAt?: Millis;
}

export interface CircuitsOptions {
  /** The providers of the installation: the first channel of each is part of the id of its circuit. Default: none. */
  readonly providers?: ReadonlyMap<Channel, Provider>;
  readonly clock: () => Millis;
  /** A monotonic clock in ms, for the pauses. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** Limit of one send in ms: a probe that has not ended by then no longer prevents another. */
  readonly sendLimit: Millis;
}

type Sharing = Pick<CircuitSharing, 'open' | 'close' | 'release' | 'takeProbe'>;

/** Circuits of accounts, or those of domains. */
interface Group {
  /** Circuits that are closed, but whose last send failed. */
  readonly failing: LRUCache<string, Circuit>;
  /** Circuits that are not closed, the least recently used first. Failures of others remove none. */
  readonly open: Map<string, Circuit>;
  /** Whether the log says that no further circuits open. */
  isFull: boolean;
}

/**
 * Circuit breakers: one for each account, and one for each account and domain of recipients (of email, or a push service's). Each process counts the
 * failures that it sees; what opens is shared with the others, and one of them all probes it. What concerns one recipient or one
 * message moves neither. An outage is two lines in the log, when it begins and when it is over.
 */
export class Circuits implements CircuitReceiver {
  readonly #options: CircuitsOptions;
  readonly #accounts: Group = { failing: new LRUCache({ max: MAX_FAILING_ACCOUNTS }), open: new Map(), isFull: false };
  readonly #domains: Group = { failing: new LRUCache({ max: MAX_FAILING_DOMAINS }), open: new Map(), isFull: false };
  /** Ids of the circuits of the installation. */
  readonly #ids = new Map<Provider, string>();
  #sharing: Sharing | undefined;

  constructor(options: CircuitsOptions) {
    this.#options = options;
    for (const [channel, provider] of options.providers ?? []) {
      if (!this.#ids.has(provider)) this.#ids.set(provider, `/${provider.name}@${channel}`);
    }
  }

  /** Shares what opens and closes from now on. Without it, each process is alone. */
  shareBy(sharing: Sharing): void {
    this.#sharing = sharing;
  }

  /** Returns the state of the circuit of an account. */
  state(provider: Provider): 'closed' | 'open' | 'half_open' {
    return this.#findOpen(provider)?.breaker.state(this.#options.elapsed()) ?? 'closed';
  }

  /** Returns for how many ms deliveries of this account have to wait; 0: none, or its probe is due. */
  getPause(provider: Provider): Millis {
    const circuit = this.#findOpen(provider);
    return circuit && this.state(provider) === 'open' ? this.#getRemaining(circuit) : 0;
  }

  /** Whether a message may be handed to an account now, as far as this process knows. */
  isUsable(provider: Provider): boolean {
    return this.state(provider) === 'closed' || this.mayProbe(provider);
  }

  /** Whether the probe of an account is due, and no delivery is it yet as far as this process knows. */
  mayProbe(provider: Provider): boolean {
    const circuit = this.#findOpen(provider);
    return circuit !== undefined && this.state(provider) === 'half_open' && this.#getProbeWait(circuit) === 0;
  }

  /**
   * Returns for how many ms a send by this account to this domain has to wait; 0: it may start. A promise only if a circuit is
   * half open: then the caller may have the probe, and must report its outcome or cancel the send.
   * @throws if the database does not say who has the probe
   */
  startSend(provider: Provider, domain: string | undefined): Millis | Promise<Millis> {
    if (this.#accounts.open.size === 0 && this.#domains.open.size === 0) return 0;
    const circuits = this.#findConcerned(provider, domain);
    const wait = this.#getWait(circuits);
    const probes = wait > 0 ? [] : circuits.filter((circuit) => circuit.outage);
    if (probes.length === 0) return wait;
    const now = this.#options.elapsed();
    for (const circuit of probes) circuit.probingSince = now;
    return this.#sharing ? this.#takeProbes(this.#sharing, probes) : 0;
  }

  /** Takes back `startSend`: the message was not handed over, and there is nothing to report. */
  cancelSend(provider: Provider, domain: string | undefined): void {
    if (this.#accounts.open.size === 0 && this.#domains.open.size === 0) return;
    for (const circuit of this.#findConcerned(provider, domain)) this.#releaseProbe(circuit);
  }

  /** Takes the outcome of a call to the provider into account. @param domain of the recipient; absent: none */
  report(provider: Provider, domain: string | undefined, outcome: SendOutcome): void {
    // Nearly always; a success changes nothing then.
    if (outcome.kind === 'sent' && this.#isQuiet) return;
    const { weight, target } = judge(outcome);
    const account = this.#toPlace(provider, null);
    const asked = getAskedPause(outcome);
    if (asked > 0) this.#pause(account, asked, outcome);
    else this.#note(this.#accounts, account, target === 'provider', target !== 'nothing', weight, outcome);
    if (domain === undefined) return;
    this.#note(this.#domains, this.#toPlace(provider, domain), target === 'domain', target === 'none', weight, outcome);
  }

  /** Returns the names of the providers with an account whose circuit is not closed. */
  unhealthyProviders(): string[] {
    return [...new Set([...this.#accounts.open.values()].map(({ place }) => place.provider))];
  }

  /**
   * Returns the circuits that are not closed, accounts first; at most MAX_REPORTED_CIRCUITS.
   * @param tenantId those of this tenant and of the accounts of the installation, without its domains, which are those of the
   *   recipients of other tenants; null: those of the installation alone; absent: all
   */
  listOpen(tenantId?: string | null): OpenCircuit[] {
    const open: OpenCircuit[] = [];
    for (const { open: circuits } of [this.#accounts, this.#domains]) {
      for (const circuit of circuits.values()) {
        if (open.length === MAX_REPORTED_CIRCUITS) return open;
        const { place, outage } = circuit;
        const isOwn = place.tenantId === (tenantId ?? null);
        const isShared = place.tenantId === null && place.domain === null;
        const isShown = tenantId === undefined || isOwn || isShared;
        if (outage && isShown) open.push(this.#describe(circuit, outage));
      }
    }
    return open;
  }

  /** Returns why the last send by an account failed that opened its circuit; undefined: it is not open. */
  findCause(provider: Provider): string | undefined {
    return this.#findOpen(provider)?.outage?.cause;
  }

  adopt(stored: StoredCircuit): void {
    const { elapsed } = this.#options;
    const group = this.#groupOf(stored);
    const known = group.open.get(stored.id);
    const probedUntil = elapsed() + Math.max(0, stored.probing ?? 0);
    if (known?.version !== undefined && known.version >= stored.version) {
      if (known.probingSince === undefined) known.probedElsewhereUntil = probedUntil;
      return;
    }
    if (!known && !this.#hasRoom(group, elapsed())) return;
    const { id, tenantId, account, provider, domain, code, cause, since, remaining, pause, version } = stored;
    const circuit = known ?? { place: { id, tenantId, account, provider, domain }, breaker: new CircuitBreaker() };
    // At least half open: 0 would be closed.
    circuit.breaker.open(Math.max(Number.MIN_VALUE, elapsed() + remaining), pause);
    circuit.version = version;
    delete circuit.probingSince;
    circuit.probedElsewhereUntil = probedUntil;
    const wasOpen = circuit.outage !== undefined;
    circuit.outage = { since, cause, code };
    if (!wasOpen) {
      this.#options.log.warn(
        this.#describe(circuit, circuit.outage),
        'circuit opened by another process: deliveries wait until a probe succeeds',
      );
    }
    group.failing.delete(id);
    this.#keepOpen(group, circuit, elapsed());
  }

  forget(id: string, isStored: boolean): void {
    for (const group of [this.#accounts, this.#domains]) {
      const circuit = group.open.get(id);
      if (circuit && (circuit.version !== undefined) === isStored) this.#close(group, circuit);
    }
  }

  listShared(): string[] {
    return [this.#accounts, this.#domains].flatMap(({ open }) =>
      [...open.values()].filter(({ version }) => version !== undefined).map(({ place }) => place.id),
    );
  }

  /** Whether there has been no failure, or none that still counts. */
  get #isQuiet(): boolean {
    const groups = [this.#accounts, this.#domains];
    return groups.every(({ failing, open }) => failing.size === 0 && open.size === 0);
  }

  #findOpen(provider: Provider): Circuit | undefined {
    const { open } = this.#accounts;
    return open.size === 0 ? undefined : open.get(this.#toId(provider, null));
  }

  /** Returns the circuits that are not closed which concern a send, and notes that they are in use. */
  #findConcerned(provider: Provider, domain: string | undefined): Circuit[] {
    const now = this.#options.elapsed();
    const found: Circuit[] = [];
    for (const [group, place] of [
      [this.#accounts, null],
      [this.#domains, domain],
    ] as const) {
      if (place === undefined || group.open.size === 0) continue;
      const circuit = group.open.get(this.#toId(provider, place));
      if (!circuit) continue;
      this.#keepOpen(group, circuit, now);
      found.push(circuit);
    }
    return found;
  }

  #getWait(circuits: readonly Circuit[]): Millis {
    const waits = circuits.map((circuit) => {
      const isOpen = circuit.breaker.state(this.#options.elapsed()) === 'open';
      return isOpen ? this.#getRemaining(circuit) : this.#getProbeWait(circuit);
    });
    return Math.max(0, ...waits);
  }

  #getRemaining({ breaker }: Circuit): Millis {
    return Math.max(1, breaker.openUntil - this.#options.elapsed());
  }

  /** Returns for how many ms a probe is under way; 0: none is. */
  #getProbeWait({ probingSince, probedElsewhereUntil }: Circuit): Millis {
    const { elapsed, sendLimit } = this.#options;
    const ends = Math.max((probingSince ?? Number.NEGATIVE_INFINITY) + sendLimit, probedElsewhereUntil ?? 0);
    return Math.max(0, ends - elapsed());
  }

  /** Takes the probes of all of these circuits, or of none. Returns for how many ms to wait; 0: they are taken. */
  async #takeProbes(sharing: Sharing, circuits: readonly Circuit[]): Promise<Millis> {
    const lease = this.#options.sendLimit + PROBE_GRACE_MS;
    const taken: Circuit[] = [];
    try {
      for (const circuit of circuits) {
        if (!(await sharing.takeProbe(circuit.place.id, () => circuit.version, lease))) break;
        taken.push(circuit);
      }
    } finally {
      if (taken.length < circuits.length) {
        for (const circuit of circuits) {
          if (taken.includes(circuit)) this.#releaseProbe(circuit);
          else delete circuit.probingSince;
        }
      }
    }
    return taken.length === circuits.length ? 0 : Math.max(PROBE_ASKED_MS, this.#getWait(circuits.filter(isOpen)));
  }

  #releaseProbe(circuit: Circuit): void {
    if (circuit.probingSince === undefined) return;
    delete circuit.probingSince;
    this.#sharing?.release(circuit.place.id);
  }

  /** Counts an outcome for a circuit. @param works whether the outcome says that it works, if it has not failed */
  #note(
    group: Group,
    place: CircuitPlace,
    hasFailed: boolean,
    works: boolean,
    weight: number,
    outcome: SendOutcome,
  ): void {
    const known = group.open.get(place.id) ?? group.failing.get(place.id);
    if (hasFailed) this.#failed(group, known ?? { place, breaker: new CircuitBreaker() }, weight, outcome);
    else if (known && works) this.#succeeded(group, known);
    else if (known) this.#releaseProbe(known);
  }

  #failed(group: Group, circuit: Circuit, weight: number, outcome: SendOutcome): void {
    const { elapsed } = this.#options;
    const now = elapsed();
    // Without room a failure does not count: each delivery is tried at its own retry times.
    if (!circuit.outage && !this.#hasRoom(group, now)) return;
    const before = circuit.breaker.openUntil;
    circuit.breaker.failed(now, weight);
    if (circuit.breaker.openUntil === before) {
      if (!circuit.outage) group.failing.set(circuit.place.id, circuit);
      return;
    }
    this.#opened(group, circuit, outcome.kind === 'misconfigured' ? 'misconfigured' : 'failures', outcome);
  }

  /** Lets nothing be sent for as long as the provider asks. */
  #pause(place: CircuitPlace, asked: Millis, outcome: SendOutcome): void {
    const { elapsed } = this.#options;
    const group = this.#accounts;
    const circuit = group.open.get(place.id) ?? group.failing.get(place.id) ?? { place, breaker: new CircuitBreaker() };
    if (!circuit.outage && !this.#hasRoom(group, elapsed())) return;
    const until = elapsed() + asked;
    // Sends that were under way say the same again.
    if (until <= circuit.breaker.openUntil) return;
    circuit.breaker.open(until);
    this.#opened(group, circuit, 'retry_after', outcome);
  }

  #opened(group: Group, circuit: Circuit, code: CircuitCode, outcome: SendOutcome): void {
    const { clock, elapsed, log } = this.#options;
    const { place, breaker } = circuit;
    delete circuit.probingSince;
    delete circuit.probedElsewhereUntil;
    const cause = toCause(outcome);
    if (!circuit.outage) {
      circuit.outage = { since: clock(), cause, code };
      const notice = place.domain === null ? 'account.failing' : 'domain.failing';
      const detail = this.#describe(circuit, circuit.outage);
      writeNotice(log, notice, detail, 'circuit opened: deliveries wait until a probe succeeds');
    } else if (code === 'retry_after') {
      // Sends that were under way when the provider asked for the pause must not end it.
      circuit.outage = { ...circuit.outage, code, cause };
    }
    group.failing.delete(place.id);
    this.#keepOpen(group, circuit, elapsed());
    const remaining = Math.max(1, breaker.openUntil - elapsed());
    this.#sharing?.open(place, { ...circuit.outage, remaining, pause: breaker.pause }, ({ version }) => {
      circuit.version = Math.max(version, circuit.version ?? 0);
    });
  }

  #succeeded(group: Group, circuit: Circuit): void {
    if (!circuit.outage) {
      group.failing.delete(circuit.place.id);
      return;
    }
    // Sends that started before the provider asked for a pause say nothing about it.
    const isPaused = circuit.outage.code === 'retry_after' && circuit.breaker.state(this.#options.elapsed()) === 'open';
    if (isPaused) return;
    this.#close(group, circuit);
    this.#sharing?.close(circuit.place.id);
  }

  #close(group: Group, circuit: Circuit, message = 'circuit closed: deliveries go on'): void {
    const { place, outage } = circuit;
    circuit.breaker.succeeded();
    group.open.delete(place.id);
    group.failing.delete(place.id);
    delete circuit.outage;
    delete circuit.version;
    delete circuit.probingSince;
    if (!outage) return;
    const { provider, account, domain } = place;
    const line = { provider, account, domain, since: isoTime(outage.since), cause: outage.cause };
    writeNotice(this.#options.log, domain === null ? 'account.works' : 'domain.works', line, message);
  }

  /** Moves a circuit to the end of the open ones. */
  #keepOpen({ open }: Group, circuit: Circuit, now: Millis): void {
    circuit.usedAt = now;
    open.delete(circuit.place.id);
    open.set(circuit.place.id, circuit);
  }

  /** Whether a further circuit may open; forgets one that is unused if that makes room. */
  #hasRoom(group: Group, now: Millis): boolean {
    const { open } = group;
    const [oldest] = open.size >= MAX_OPEN ? open.values() : [];
    if (oldest && now - (oldest.usedAt ?? now) >= UNUSED_MS) {
      this.#close(group, oldest, 'circuit forgotten: no deliveries to it for a day');
    }
    const hasRoom = open.size < MAX_OPEN;
    if (!hasRoom && !group.isFull)
      this.#options.log.warn({ open: open.size }, 'no further circuits open: too many are open');
    group.isFull = !hasRoom;
    return hasRoom;
  }

  /** Two tenants may have accounts of the same name. @param domain null: the account itself */
  #toId(provider: Provider, domain: string | null): string {
    const { tenantId = '', account, name } = provider;
    const id = this.#ids.get(provider) ?? `${tenantId}/${account ?? name}`;
    return domain === null ? id : `${id} ${domain}`;
  }

  #toPlace(provider: Provider, domain: string | null): CircuitPlace {
    const { tenantId = null, account = null, name } = provider;
    return { id: this.#toId(provider, domain), tenantId, account, provider: name, domain };
  }

  #groupOf({ domain }: CircuitPlace): Group {
    return domain === null ? this.#accounts : this.#domains;
  }

  #describe({ place, breaker }: Circuit, outage: NonNullable<Circuit['outage']>): OpenCircuit {
    const { clock, elapsed } = this.#options;
    return describeCircuit({ ...place, ...outage, remaining: breaker.openUntil - elapsed() }, clock());
  }
}

/** Returns what is shown of a circuit. @param now by the clock that `since` is of */
export function describeCircuit(
  circuit: CircuitPlace & Pick<StoredCircuit, 'since' | 'code' | 'cause' | 'remaining'>,
  now: Millis,
): OpenCircuit {
  const { provider, account, domain, since, code, cause, remaining } = circuit;
  return {
    provider,
    account,
    domain,
    of: domain !== null ? 'domain' : account === null ? 'installation' : 'account',
    since: isoTime(since),
    code,
    cause,
    next_probe_at: isoTime(Math.round(now + Math.max(0, remaining))),
  };
}

function toCause(outcome: SendOutcome): string {
  return 'reason' in outcome ? outcome.reason : '';
}

function isOpen({ outage }: Circuit): boolean {
  return outage !== undefined;
}

/**
 * Returns which circuit an outcome counts against, and as how many failures. `none`: the provider and the domain work.
 * `nothing`: it says nothing about them, because the provider was not reached.
 */
function judge(outcome: SendOutcome): { target: 'provider' | 'domain' | 'none' | 'nothing'; weight: number } {
  switch (outcome.kind) {
    case 'sent':
    case 'sandboxed':
    case 'address_dead':
      return { target: 'none', weight: 0 };
    case 'rejected':
      return { target: outcome.response === undefined ? 'nothing' : 'none', weight: 0 };
    case 'misconfigured':
      return { target: 'provider', weight: OPENING_WEIGHT };
    case 'in_doubt':
      return { target: outcome.of ?? 'provider', weight: outcome.timedOut ? TIMEOUT_WEIGHT : 1 };
    case 'retry': {
      const { of = 'provider', timedOut } = outcome;
      if (of === 'recipient' || of === 'message') return { target: 'none', weight: 0 };
      return { target: of === 'domain' ? 'domain' : 'provider', weight: timedOut ? TIMEOUT_WEIGHT : 1 };
    }
  }
}

/** Returns for how many ms the provider asked that nothing more is sent to it; 0: it did not. */
function getAskedPause(outcome: SendOutcome): Millis {
  if (outcome.kind !== 'retry') return 0;
  const { of = 'provider', after = 0 } = outcome;
  const isOfAccount = of === 'provider' || of === 'account';
  return isOfAccount && after > 0 ? Math.min(after, MAX_ASKED_PAUSE_MS) : 0;
}
