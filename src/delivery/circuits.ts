import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Provider } from '../channels/provider.ts';
import { CircuitBreaker, OPENING_WEIGHT } from '../lib/circuit-breaker.ts';
import type { SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';

/** Domains with failures that are tracked; of more, those without a recent failure are forgotten. */
const MAX_DOMAINS = 1000;
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
  readonly #providers = new Map<Provider, Circuit>();
  readonly #domains = new LRUCache<string, Circuit>({ max: MAX_DOMAINS });
  /** False until the first failure. */
  #hadFailure = false;

  constructor(options: CircuitsOptions) {
    this.#options = options;
    for (const provider of new Set(options.providers))
      this.#providers.set(provider, { provider, domain: null, breaker: new CircuitBreaker() });
  }

  /** Returns the state of a provider's circuit. */
  state(provider: Provider): 'closed' | 'open' | 'half_open' {
    return this.#providers.get(provider)?.breaker.state(this.#options.elapsed()) ?? 'closed';
  }

  /**
   * Returns for how many ms sends to this domain have to wait; 0: none. If its circuit is half open, the caller has the
   * probe, and must report its outcome.
   */
  startSend(provider: Provider, domain: string): Millis {
    const circuit = this.#hadFailure && this.#domains.get(domainKey(provider, domain));
    if (!circuit) return 0;
    const now = this.#options.elapsed();
    const state = circuit.breaker.state(now);
    if (state === 'closed') return 0;
    if (state === 'open') return Math.max(1, circuit.breaker.openUntil - now);
    const probeEnds = (circuit.probingSince ?? Number.NEGATIVE_INFINITY) + this.#options.sendLimit;
    if (now < probeEnds) return probeEnds - now;
    circuit.probingSince = now;
    return 0;
  }

  /** Takes the outcome of a call to the provider into account. @param domain of the recipient; absent: none */
  report(provider: Provider, domain: string | undefined, outcome: SendOutcome): void {
    // Nearly always; a success changes nothing then.
    if (outcome.kind === 'sent' && !this.#hadFailure) return;
    const { weight, target } = judge(outcome);
    const circuit = this.#providers.get(provider);
    if (circuit && target === 'provider') this.#failed(circuit, weight, outcome);
    else if (circuit && target !== 'nothing') this.#succeeded(circuit);
    if (domain === undefined) return;
    const key = domainKey(provider, domain);
    const known = this.#domains.get(key);
    if (known) delete known.probingSince;
    if (target === 'domain') {
      const failing = known ?? { provider, domain, breaker: new CircuitBreaker() };
      this.#domains.set(key, failing);
      this.#failed(failing, weight, outcome);
    } else if (known && target === 'none') {
      this.#succeeded(known);
      this.#domains.delete(key);
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
    for (const circuit of [...this.#providers.values(), ...this.#domains.values()]) {
      const { outage } = circuit;
      if (outage && open.length < MAX_REPORTED_CIRCUITS) open.push(this.#describe(circuit, outage));
    }
    return open;
  }

  #failed(circuit: Circuit, weight: number, outcome: SendOutcome): void {
    const { clock, elapsed, log } = this.#options;
    this.#hadFailure = true;
    circuit.breaker.failed(elapsed(), weight);
    if (circuit.outage || circuit.breaker.state(elapsed()) === 'closed') return;
    circuit.outage = { since: clock(), cause: 'reason' in outcome ? outcome.reason : '' };
    log.warn(this.#describe(circuit, circuit.outage), 'circuit opened: deliveries wait until a probe succeeds');
  }

  #succeeded(circuit: Circuit): void {
    circuit.breaker.succeeded();
    const { outage, provider, domain } = circuit;
    if (!outage) return;
    delete circuit.outage;
    const line = { provider: provider.name, domain, since: isoTime(outage.since), cause: outage.cause };
    this.#options.log.warn(line, 'circuit closed: deliveries go on');
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
