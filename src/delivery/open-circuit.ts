import type { Millis } from '../model/event.ts';
import type { CircuitCode, CircuitPlace, StoredCircuit } from '../store/deliveries/circuits.ts';
import { isoTime } from '../time/iso-time.ts';

/** Circuits that a report names, at most. */
export const MAX_REPORTED_CIRCUITS = 20;

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
