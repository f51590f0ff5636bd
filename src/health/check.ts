import type { Millis } from '../model/event.ts';

/**
 * State of a part of the process. `degraded`: events are accepted, and an operator should look. `failing`: the process should
 * get no traffic.
 */
export type CheckStatus = 'ok' | 'degraded' | 'failing';

export interface CheckResult {
  readonly status: CheckStatus;
  /** Since when, if the part itself knows; absent: since this process first saw the status. */
  readonly since?: Millis;
  /** One sentence about why it is not ok, without addresses and secrets; absent: it is ok. */
  readonly cause?: string;
  /** One sentence about the remedy; absent: it is ok. */
  readonly hint?: string;
  /** Time (ms) that it is behind what it follows; absent: it follows nothing. */
  readonly lag?: Millis;
}

export interface HealthCheck {
  readonly name: string;
  /** Time (ms) for which a result counts: a probe within it starts nothing. */
  readonly maxAge: Millis;
  /** Status of the part as long as it cannot be checked. */
  readonly whenUnknown: 'degraded' | 'failing';
  /** Rejects if the part cannot be checked. */
  run(): CheckResult | Promise<CheckResult>;
}

export const OK: CheckResult = { status: 'ok' };
