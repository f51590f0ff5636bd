import type { Logger } from 'pino';
import { writeNotice } from '../channels/internal/notices.ts';
import type { Provider } from '../channels/provider.ts';
import { CircuitBreaker, OPENING_WEIGHT } from '../lib/concurrency/circuit-breaker.ts';
import { FailureRate } from '../lib/concurrency/failure-rate.ts';
import type { Channel, SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { CircuitCode, CircuitPlace, StoredCircuit } from '../store/deliveries/circuits.ts';
import { isoTime } from '../time/iso-time.ts';
import { type Circuit, CircuitGroup, type Outage } from './circuit-group.ts';
import { getAskedPause, judge, toCause } from './circuit-outcomes.ts';
import { CircuitProbes } from './circuit-probes.ts';
import type { CircuitReceiver, CircuitSharing } from './circuit-sharing.ts';
import { describeCircuit, MAX_REPORTED_CIRCUITS, type OpenCircuit } from './open-circuit.ts';

/** Accounts with failures and a closed circuit that are tracked. */
const MAX_FAILING_ACCOUNTS = 10_000;
/** The same of domains. */
const MAX_FAILING_DOMAINS = 1000;
/** Time in ms of an outage after which also those deliveries get no last attempt whose retry time ended before it. */
const LONG_OUTAGE_MS: Millis = 600_000;

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

/**
 * Circuit breakers: one for each account, and one for each account and domain of recipients (of email, or a push service's). Each process counts the
 * failures that it sees; what opens is shared with the others, and one of them all probes it. What concerns one recipient or one
 * message moves neither. An outage is two lines in the log, when it begins and when it is over.
 */
export class Circuits implements CircuitReceiver {
  readonly #options: CircuitsOptions;
  readonly #accounts: CircuitGroup;
  readonly #domains: CircuitGroup;
  readonly #probes: CircuitProbes;
  /** Calls to the accounts whose circuits are closed. */
  readonly #rates = new WeakMap<Provider, FailureRate>();
  /** Ids of the circuits of the installation. */
  readonly #ids = new Map<Provider, string>();
  #sharing: Sharing | undefined;

  constructor(options: CircuitsOptions) {
    this.#options = options;
    this.#accounts = new CircuitGroup(MAX_FAILING_ACCOUNTS, options.log);
    this.#domains = new CircuitGroup(MAX_FAILING_DOMAINS, options.log);
    this.#probes = new CircuitProbes(options);
    for (const [channel, provider] of options.providers ?? []) {
      if (!this.#ids.has(provider)) this.#ids.set(provider, `/${provider.name}@${channel}`);
    }
  }

  /** Shares what opens and closes from now on. Without it, each process is alone. */
  shareBy(sharing: Sharing): void {
    this.#sharing = sharing;
    this.#probes.shareBy(sharing);
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
    return circuit !== undefined && this.state(provider) === 'half_open' && this.#probes.getWait(circuit) === 0;
  }

  /**
   * Returns for how many ms a send by this account to this domain has to wait; 0: it may start. A promise only if a circuit is
   * half open: then the caller may have the probe, and must report its outcome or cancel the send.
   * @param sender identifies the send in `cancelSend` and `report`; absent: one of the sends without a name
   * @throws if the database does not say who has the probe
   */
  startSend(provider: Provider, domain: string | undefined, sender?: object): Millis | Promise<Millis> {
    if (this.#accounts.size === 0 && this.#domains.size === 0) return 0;
    const circuits = this.#findConcerned(provider, domain);
    const wait = this.#getWait(circuits);
    const probes = wait > 0 ? [] : circuits.filter((circuit) => circuit.outage);
    if (probes.length === 0) return wait;
    return this.#probes.take(probes, sender, () => this.#getWait(probes.filter(({ outage }) => outage)));
  }

  /** Takes back `startSend`: the message was not handed over, and there is nothing to report. Parameters as there. */
  cancelSend(provider: Provider, domain: string | undefined, sender?: object): void {
    if (this.#accounts.size === 0 && this.#domains.size === 0) return;
    for (const circuit of this.#findConcerned(provider, domain)) this.#probes.release(circuit, sender);
  }

  /** Takes the outcome of a call to the provider into account. @param domain of the recipient; absent: none. @param sender as above */
  report(provider: Provider, domain: string | undefined, outcome: SendOutcome, sender?: object): void {
    const rate = this.#rates.get(provider) ?? this.#addRate(provider);
    // Nearly always; a success changes nothing else then.
    if (outcome.kind === 'sent' && this.#accounts.isQuiet && this.#domains.isQuiet) {
      rate.note(false, this.#options.elapsed());
      return;
    }
    const { weight, target } = judge(outcome);
    const asked = getAskedPause(outcome);
    if (target !== 'nothing' && asked === 0) rate.note(target === 'provider', this.#options.elapsed());
    const account = this.#toPlace(provider, null);
    // A send that was under way when it opened says nothing about the time after it.
    if (this.#accounts.findOpen(account.id)) rate.reset();
    if (asked > 0) this.#pause(account, asked, outcome);
    else if (target === 'provider') {
      const isRateTooHigh = rate.isTooHigh(this.#options.elapsed());
      this.#failed(this.#accounts, account, isRateTooHigh ? OPENING_WEIGHT : weight, outcome);
    } else this.#worked(this.#accounts, account, target !== 'nothing', sender);
    if (domain === undefined) return;
    const place = this.#toPlace(provider, domain);
    if (target === 'domain') this.#failed(this.#domains, place, weight, outcome);
    else this.#worked(this.#domains, place, target === 'none', sender);
  }

  /** Returns the names of the providers with an account whose circuit is not closed. */
  unhealthyProviders(): string[] {
    return [...new Set([...this.#accounts.listOpen()].map(({ place }) => place.provider))];
  }

  /**
   * Returns the circuits that are not closed, accounts first; at most MAX_REPORTED_CIRCUITS.
   * @param tenantId those of this tenant and of the accounts of the installation, without its domains, which are those of the
   *   recipients of other tenants; null: those of the installation alone; absent: all
   */
  listOpen(tenantId?: string | null): OpenCircuit[] {
    const open: OpenCircuit[] = [];
    for (const group of [this.#accounts, this.#domains]) {
      for (const circuit of group.listOpen()) {
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

  /**
   * Returns since when an account is out: a delivery whose retry time ended later was meant to be sent in that time, and gets no last
   * attempt. After LONG_OUTAGE_MS -Infinity: none gets one. Undefined: it is not out, or its probe is to be had.
   */
  getLostSince(provider: Provider): Millis | undefined {
    const outage = this.#findOpen(provider)?.outage;
    if (!outage || this.isUsable(provider)) return undefined;
    return this.#options.clock() - outage.since >= LONG_OUTAGE_MS ? Number.NEGATIVE_INFINITY : outage.since;
  }

  /** Returns the outcome of a delivery whose retry time ended while its account was out; undefined: it may wait, or be sent. */
  findLoss(provider: Provider, retryUntil: Millis): SendOutcome | undefined {
    const outage = this.#findOpen(provider)?.outage;
    const lostSince = this.getLostSince(provider);
    if (!outage || lostSince === undefined || retryUntil < lostSince) return undefined;
    const { since, cause, code } = outage;
    const account = provider.account === undefined ? provider.name : `the account ${provider.account}`;
    const reason = `nothing is sent by ${account} since ${isoTime(since)}: ${cause}`;
    return {
      kind: 'retry',
      of: 'account',
      code: 'account_paused',
      reason,
      fault: code === 'failures' ? 'provider' : 'account',
    };
  }

  adopt(stored: StoredCircuit): void {
    const { elapsed } = this.#options;
    const group = this.#groupOf(stored);
    const known = group.findOpen(stored.id);
    const probedUntil = elapsed() + Math.max(0, stored.probing ?? 0);
    if (known?.version !== undefined && known.version >= stored.version) {
      if (!known.probe) known.probedElsewhereUntil = probedUntil;
      return;
    }
    if (!known && !this.#hasRoom(group)) return;
    const { id, tenantId, account, provider, domain, code, cause, since, remaining, pause, version } = stored;
    const circuit: Circuit = known ?? {
      place: { id, tenantId, account, provider, domain },
      breaker: new CircuitBreaker(),
    };
    // At least half open: 0 would be closed.
    circuit.breaker.open(Math.max(Number.MIN_VALUE, elapsed() + remaining), pause);
    circuit.version = version;
    delete circuit.probe;
    circuit.probedElsewhereUntil = probedUntil;
    const wasOpen = circuit.outage !== undefined;
    circuit.outage = { since, cause, code };
    if (!wasOpen) {
      this.#options.log.warn(
        this.#describe(circuit, circuit.outage),
        'circuit opened by another process: deliveries wait until a probe succeeds',
      );
    }
    group.keepOpen(circuit, elapsed());
  }

  forget(id: string, isStored: boolean): void {
    for (const group of [this.#accounts, this.#domains]) {
      const circuit = group.findOpen(id);
      if (circuit && (circuit.version !== undefined) === isStored) this.#close(group, circuit);
    }
  }

  listShared(): string[] {
    return [this.#accounts, this.#domains].flatMap((group) =>
      [...group.listOpen()].filter(({ version }) => version !== undefined).map(({ place }) => place.id),
    );
  }

  #findOpen(provider: Provider): Circuit | undefined {
    return this.#accounts.size === 0 ? undefined : this.#accounts.findOpen(this.#toId(provider, null));
  }

  #addRate(provider: Provider): FailureRate {
    const rate = new FailureRate();
    this.#rates.set(provider, rate);
    return rate;
  }

  /** Returns the circuits that are not closed which concern a send, and notes that they are in use. */
  #findConcerned(provider: Provider, domain: string | undefined): Circuit[] {
    const now = this.#options.elapsed();
    const found: Circuit[] = [];
    for (const [group, place] of [
      [this.#accounts, null],
      [this.#domains, domain],
    ] as const) {
      if (place === undefined || group.size === 0) continue;
      const circuit = group.findOpen(this.#toId(provider, place));
      if (!circuit) continue;
      group.keepOpen(circuit, now);
      found.push(circuit);
    }
    return found;
  }

  #getWait(circuits: readonly Circuit[]): Millis {
    const waits = circuits.map((circuit) => {
      const isOpen = circuit.breaker.state(this.#options.elapsed()) === 'open';
      return isOpen ? this.#getRemaining(circuit) : this.#probes.getWait(circuit);
    });
    return Math.max(0, ...waits);
  }

  #getRemaining({ breaker }: Circuit): Millis {
    return Math.max(1, breaker.openUntil - this.#options.elapsed());
  }

  #failed(group: CircuitGroup, place: CircuitPlace, weight: number, outcome: SendOutcome): void {
    const circuit = group.find(place.id) ?? { place, breaker: new CircuitBreaker() };
    // Without room a failure does not count: each delivery is tried at its own retry times.
    if (!circuit.outage && !this.#hasRoom(group)) return;
    const before = circuit.breaker.openUntil;
    circuit.breaker.failed(this.#options.elapsed(), weight);
    if (circuit.breaker.openUntil === before) {
      if (!circuit.outage) group.keepFailing(circuit);
      return;
    }
    this.#opened(group, circuit, outcome.kind === 'misconfigured' ? 'misconfigured' : 'failures', outcome);
  }

  /** Takes a call into account that did not fail for this circuit. @param isProof whether it shows that it works */
  #worked(group: CircuitGroup, { id }: CircuitPlace, isProof: boolean, sender: object | undefined): void {
    const known = group.find(id);
    if (known && isProof) this.#succeeded(group, known);
    else if (known) this.#probes.release(known, sender);
  }

  /** Lets nothing be sent for as long as the provider asks, or ever longer, if it limits the rate without saying for how long. */
  #pause(place: CircuitPlace, asked: Millis, outcome: SendOutcome): void {
    const group = this.#accounts;
    const circuit = group.find(place.id) ?? { place, breaker: new CircuitBreaker() };
    if (!circuit.outage && !this.#hasRoom(group)) return;
    const now = this.#options.elapsed();
    const { breaker } = circuit;
    // Sends that were under way say the same again.
    if (now + asked <= breaker.openUntil) return;
    if (outcome.kind === 'retry' && outcome.isUnstated) breaker.backOff(now, asked);
    else breaker.open(now + asked);
    this.#opened(group, circuit, outcome.kind === 'misconfigured' ? 'misconfigured' : 'retry_after', outcome);
  }

  #opened(group: CircuitGroup, circuit: Circuit, code: CircuitCode, outcome: SendOutcome): void {
    const { clock, elapsed, log } = this.#options;
    const { place, breaker } = circuit;
    delete circuit.probe;
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
    group.keepOpen(circuit, elapsed());
    const remaining = Math.max(1, breaker.openUntil - elapsed());
    this.#sharing?.open(place, { ...circuit.outage, remaining, pause: breaker.pause }, ({ version }) => {
      circuit.version = Math.max(version, circuit.version ?? 0);
    });
  }

  #succeeded(group: CircuitGroup, circuit: Circuit): void {
    if (!circuit.outage) {
      circuit.breaker.succeeded();
      group.remove(circuit);
      return;
    }
    // Sends that started before the provider asked for a pause say nothing about it.
    const isPaused = circuit.outage.code === 'retry_after' && circuit.breaker.state(this.#options.elapsed()) === 'open';
    if (isPaused) return;
    this.#close(group, circuit);
    this.#sharing?.close(circuit.place.id);
  }

  #close(group: CircuitGroup, circuit: Circuit, message = 'circuit closed: deliveries go on'): void {
    const { place, outage } = circuit;
    circuit.breaker.succeeded();
    group.remove(circuit);
    delete circuit.outage;
    delete circuit.version;
    delete circuit.probe;
    if (!outage) return;
    const { provider, account, domain } = place;
    const line = { provider, account, domain, since: isoTime(outage.since), cause: outage.cause };
    writeNotice(this.#options.log, domain === null ? 'account.works' : 'domain.works', line, message);
  }

  #hasRoom(group: CircuitGroup): boolean {
    return group.hasRoom(this.#options.elapsed(), (unused) => {
      this.#close(group, unused, 'circuit forgotten: no deliveries to it for a day');
    });
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

  #groupOf({ domain }: CircuitPlace): CircuitGroup {
    return domain === null ? this.#accounts : this.#domains;
  }

  #describe({ place, breaker }: Circuit, outage: Outage): OpenCircuit {
    const { clock, elapsed } = this.#options;
    return describeCircuit({ ...place, ...outage, remaining: breaker.openUntil - elapsed() }, clock());
  }
}
