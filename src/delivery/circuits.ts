import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { writeNotice } from '../channels/internal/notices.ts';
import type { Provider } from '../channels/provider.ts';
import { CircuitBreaker, OPENING_WEIGHT } from '../lib/concurrency/circuit-breaker.ts';
import type { SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';

/** Accounts whose circuits are tracked. */
const MAX_ACCOUNTS = 10_000;
/** Domains with failures and a closed circuit that are tracked; of more, those without a recent failure are forgotten. */
const MAX_FAILING_DOMAINS = 1000;
/** Circuits of domains that are open at the same time; beyond that, failures of further domains open none. */
const MAX_OPEN_DOMAINS = 10_000;
/** Time in ms without a delivery to an open domain after which a further one may take its place. */
const UNUSED_MS = 24 * 3_600_000;
/** Weight of a send without a response: it occupied its slot for the whole timeout. Five in a row open a circuit. */
const TIMEOUT_WEIGHT = OPENING_WEIGHT / 5;
/** Circuits that a report names, at most. */
const MAX_REPORTED_CIRCUITS = 20;

/** A circuit that is not closed. Times are ISO 8601 in UTC. */
export interface OpenCircuit {
  readonly provider: string;
  /** The domain of the recipients; null: the provider itself. */
  readonly domain: string | null;
  readonly since: string;
  /** Why the send failed that opened it. */
  readonly cause: string;
  readonly next_probe_at: string;
}

interface Circuit {
  readonly provider: Provider;
  readonly domain: string | null;
  readonly breaker: CircuitBreaker;
  /** Set while it is not closed. */
  outage?: { readonly since: Millis; readonly cause: string };
  /** For a domain: when its probe started, by the monotonic clock. */
  probingSince?: Millis;
  /** For an open domain: when a delivery was last to be sent to it, by the monotonic clock. */
  usedAt?: Millis;
}

export interface CircuitsOptions {
  readonly providers: Iterable<Provider>;
  readonly clock: () => Millis;
  /** A monotonic clock in ms, for the pauses. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** Limit of one send in ms: a probe of a domain that has not ended by then no longer prevents another. */
  readonly sendLimit: Millis;
}

/**
 * Circuit breakers of a process: one for each provider, and for email one for each recipient domain. What concerns one
 * recipient or one message moves neither. An outage is two lines in the log, when it begins and when it is over.
 */
export class Circuits {
  readonly #options: CircuitsOptions;
  /** Circuits of accounts, made when first needed; of those that are closed, the ones not used for long are forgotten. */
  readonly #providers = new LRUCache<Provider, Circuit>({ max: MAX_ACCOUNTS });
  /** Domains whose circuit is closed, but whose last send failed. */
  readonly #failing = new LRUCache<string, Circuit>({ max: MAX_FAILING_DOMAINS });
  /** Domains whose circuit is not closed, the least recently used first. Failures of other domains remove none. */
  readonly #open = new Map<string, Circuit>();
  /** Whether the log says that no further circuits open. */
  #full = false;
  /** False until the first failure. */
  #hadFailure = false;

  constructor(options: CircuitsOptions) {
    this.#options = options;
    for (const provider of new Set(options.providers)) this.#circuitOf(provider);
  }

  /** Returns the state of a provider's circuit. */
  state(provider: Provider): 'closed' | 'open' | 'half_open' {
    return this.#providers.get(provider)?.breaker.state(this.#options.elapsed()) ?? 'closed';
  }

  /** Returns for how many ms deliveries of this provider have to wait; 0: none, or its probe is due. */
  getPause(provider: Provider): Millis {
    const { elapsed } = this.#options;
    return this.state(provider) === 'open' ? Math.max(1, this.#circuitOf(provider).breaker.openUntil - elapsed()) : 0;
  }

  #circuitOf(provider: Provider): Circuit {
    const known = this.#providers.get(provider);
    if (known) return known;
    const circuit = { provider, domain: null, breaker: new CircuitBreaker() };
    this.#providers.set(provider, circuit);
    return circuit;
  }

  /**
   * Returns for how many ms sends to this domain have to wait; 0: none. If its circuit is half open, the caller has the
   * probe, and must report its outcome.
   */
  startSend(provider: Provider, domain: string): Millis {
    if (this.#open.size === 0) return 0;
    const key = domainKey(provider, domain);
    const circuit = this.#open.get(key);
    if (!circuit) return 0;
    const now = this.#options.elapsed();
    this.#keepOpen(key, circuit, now);
    const state = circuit.breaker.state(now);
    if (state === 'open') return Math.max(1, circuit.breaker.openUntil - now);
    const probeEnds = (circuit.probingSince ?? Number.NEGATIVE_INFINITY) + this.#options.sendLimit;
    if (now < probeEnds) return probeEnds - now;
    circuit.probingSince = now;
    return 0;
  }

  /** Takes back `startSend`: the message was not handed over, and there is nothing to report. */
  cancelSend(provider: Provider, domain: string | undefined): void {
    if (domain === undefined || this.#open.size === 0) return;
    const circuit = this.#open.get(domainKey(provider, domain));
    if (circuit) delete circuit.probingSince;
  }

  /** Takes the outcome of a call to the provider into account. @param domain of the recipient; absent: none */
  report(provider: Provider, domain: string | undefined, outcome: SendOutcome): void {
    // Nearly always; a success changes nothing then.
    if (outcome.kind === 'sent' && !this.#hadFailure) return;
    const { weight, target } = judge(outcome);
    const circuit = this.#circuitOf(provider);
    if (target === 'provider') this.#failed(circuit, weight, outcome);
    else if (target !== 'nothing') this.#succeeded(circuit);
    if (domain === undefined) return;
    const key = domainKey(provider, domain);
    const known = this.#open.get(key) ?? this.#failing.get(key);
    if (known) delete known.probingSince;
    if (target === 'domain') {
      this.#domainFailed(key, known ?? { provider, domain, breaker: new CircuitBreaker() }, weight, outcome);
    } else if (known && target === 'none') {
      this.#succeeded(known);
      this.#open.delete(key);
      this.#failing.delete(key);
    }
  }

  /** Returns the names of the providers whose circuit is not closed. */
  unhealthyProviders(): string[] {
    return [...this.#providers.keys()]
      .filter((provider) => this.state(provider) !== 'closed')
      .map((provider) => provider.name);
  }

  /** Returns the circuits that are not closed, providers first; at most MAX_REPORTED_CIRCUITS. */
  listOpen(): OpenCircuit[] {
    const open: OpenCircuit[] = [];
    for (const circuits of [this.#providers, this.#open]) {
      for (const circuit of circuits.values()) {
        if (open.length === MAX_REPORTED_CIRCUITS) return open;
        if (circuit.outage) open.push(this.#describe(circuit, circuit.outage));
      }
    }
    return open;
  }

  #domainFailed(key: string, circuit: Circuit, weight: number, outcome: SendOutcome): void {
    const now = this.#options.elapsed();
    // Without room a failure does not count: each delivery to the domain is tried at its own retry times.
    if (!circuit.outage && !this.#hasRoom(now)) return;
    this.#failed(circuit, weight, outcome);
    if (!circuit.outage) {
      this.#failing.set(key, circuit);
      return;
    }
    this.#failing.delete(key);
    this.#keepOpen(key, circuit, now);
  }

  /** Moves a circuit to the end of the open ones. */
  #keepOpen(key: string, circuit: Circuit, now: Millis): void {
    circuit.usedAt = now;
    this.#open.delete(key);
    this.#open.set(key, circuit);
  }

  /** Whether the circuit of a further domain may open; forgets one that is unused if that makes room. */
  #hasRoom(now: Millis): boolean {
    if (this.#open.size >= MAX_OPEN_DOMAINS) {
      const [oldest] = this.#open;
      if (oldest && now - (oldest[1].usedAt ?? now) >= UNUSED_MS) {
        this.#succeeded(oldest[1], 'circuit forgotten: no deliveries to the domain for a day');
        this.#open.delete(oldest[0]);
      }
    }
    const room = this.#open.size < MAX_OPEN_DOMAINS;
    if (!room && !this.#full)
      this.#options.log.warn({ open: this.#open.size }, 'no circuits of further domains open: too many are open');
    this.#full = !room;
    return room;
  }

  #failed(circuit: Circuit, weight: number, outcome: SendOutcome): void {
    const { clock, elapsed, log } = this.#options;
    this.#hadFailure = true;
    circuit.breaker.failed(elapsed(), weight);
    if (circuit.outage || circuit.breaker.state(elapsed()) === 'closed') return;
    circuit.outage = { since: clock(), cause: 'reason' in outcome ? outcome.reason : '' };
    const detail = this.#describe(circuit, circuit.outage);
    const code = circuit.domain === null ? 'account.failing' : 'domain.failing';
    writeNotice(log, code, detail, 'circuit opened: deliveries wait until a probe succeeds');
  }

  #succeeded(circuit: Circuit, message = 'circuit closed: deliveries go on'): void {
    circuit.breaker.succeeded();
    const { outage, provider, domain } = circuit;
    if (!outage) return;
    delete circuit.outage;
    const line = { provider: provider.name, domain, since: isoTime(outage.since), cause: outage.cause };
    writeNotice(this.#options.log, domain === null ? 'account.works' : 'domain.works', line, message);
  }

  #describe({ provider, domain, breaker }: Circuit, { since, cause }: NonNullable<Circuit['outage']>): OpenCircuit {
    const { clock, elapsed } = this.#options;
    const nextProbe = clock() + Math.max(0, breaker.openUntil - elapsed());
    return {
      provider: provider.name,
      domain,
      since: isoTime(since),
      cause,
      next_probe_at: isoTime(Math.round(nextProbe)),
    };
  }
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
      return { target: 'provider', weight: outcome.timedOut ? TIMEOUT_WEIGHT : 1 };
    case 'retry': {
      const { of = 'provider', timedOut } = outcome;
      if (of === 'recipient' || of === 'message') return { target: 'none', weight: 0 };
      return { target: of === 'domain' ? 'domain' : 'provider', weight: timedOut ? TIMEOUT_WEIGHT : 1 };
    }
  }
}

function domainKey(provider: Provider, domain: string): string {
  return `${provider.name} ${domain}`;
}
