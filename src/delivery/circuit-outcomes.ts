import { OPENING_WEIGHT } from '../lib/concurrency/circuit-breaker.ts';
import type { SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** Weight of a send without a response: it occupied its slot for the whole timeout. Five in a row open a circuit. */
const TIMEOUT_WEIGHT = OPENING_WEIGHT / 5;
/** The longest pause in ms that a provider can ask for. */
const MAX_ASKED_PAUSE_MS = 24 * 3_600_000;

/** Statement of an outcome about the circuits of a send. */
export interface Verdict {
  /** Part of the send that it counts against. `none`: account and domain work. `nothing`: it says nothing, because the provider was not reached. */
  readonly target: 'provider' | 'domain' | 'none' | 'nothing';
  /** As how many failures. */
  readonly weight: number;
}

/** Returns which circuit an outcome counts against, and as how many failures. */
export function judge(outcome: SendOutcome): Verdict {
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

/** Returns for how many ms an outcome says that nothing is sent by the account; 0: it does not. */
export function getAskedPause(outcome: SendOutcome): Millis {
  if (outcome.kind !== 'retry' && outcome.kind !== 'in_doubt' && outcome.kind !== 'misconfigured') return 0;
  const { after = 0 } = outcome;
  const of = outcome.kind === 'misconfigured' ? 'account' : (outcome.of ?? 'provider');
  const isOfAccount = of === 'provider' || of === 'account';
  return isOfAccount && after > 0 ? Math.min(after, MAX_ASKED_PAUSE_MS) : 0;
}

/** Returns why a send failed; empty: it did not. */
export function toCause(outcome: SendOutcome): string {
  return 'reason' in outcome ? outcome.reason : '';
}
