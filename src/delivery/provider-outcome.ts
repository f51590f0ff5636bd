import { MAIL_FROM_CODE } from '../channels/codes.ts';
import type { Outgoing, Provider } from '../channels/provider.ts';
import type { SendOutcome } from '../model/delivery.ts';
import { redact, storableText } from '../privacy/mask.ts';
import type { SendDeadline } from './deadlines.ts';
import { INTERNAL_ERROR_REASON } from './dispatch-result.ts';

export interface ProviderOutcome {
  readonly outcome: SendOutcome;
  /** The error that the provider threw, without addresses: a bug. */
  readonly error?: Error;
}

/**
 * Gives a message to a provider, and returns an outcome whatever the provider does: throw, not respond in time, or quote
 * addresses.
 */
export async function sendBy(
  provider: Provider,
  outgoing: Outgoing,
  deadline: SendDeadline,
  mayHandOver: () => boolean,
): Promise<ProviderOutcome> {
  try {
    const outcome = await deadline.race(provider.send(outgoing, deadline.signal, mayHandOver), () => NO_RESPONSE);
    return { outcome: spareAccount(redactOutcome(outcome), outgoing.sender) };
  } catch (error) {
    // The provider may have thrown before or after it passed the message on.
    return { outcome: INTERNAL_ERROR, error: redactError(error) };
  }
}

/** Returns the outcome with `timedOut`, if the send was aborted for its time; the provider may not have said so. */
export function withTimeout(outcome: SendOutcome, { signal }: SendDeadline): SendOutcome {
  const isFailure = outcome.kind === 'retry' || outcome.kind === 'in_doubt';
  return isFailure && signal.aborted ? { ...outcome, timedOut: true } : outcome;
}

/**
 * Returns the outcome of a message whose sender its tenant has chosen, and the provider does not accept: it waits, but the account,
 * by which other tenants may send, does not stop.
 */
function spareAccount(outcome: SendOutcome, sender: string | undefined): SendOutcome {
  if (outcome.kind !== 'misconfigured' || !outcome.isOfSender || sender === undefined) return outcome;
  const { isOfSender: _, reason, ...failure } = outcome;
  return {
    ...failure,
    kind: 'retry',
    of: 'message',
    fault: 'account',
    // The code of the provider would have the group of those whose account names a wrong sender.
    code: MAIL_FROM_CODE,
    reason: `the provider does not accept the sender that the setting mail_from of the tenant names (${reason})`,
  };
}

const INTERNAL_ERROR: SendOutcome = { kind: 'in_doubt', reason: INTERNAL_ERROR_REASON, fault: 'us' };

const NO_RESPONSE: SendOutcome = {
  kind: 'in_doubt',
  reason: 'the provider did not respond in time',
  timedOut: true,
};

/** Masks addresses in the outcome: a provider may quote them, and the outcome is stored, logged and shown. */
function redactOutcome(outcome: SendOutcome): SendOutcome {
  const response = 'response' in outcome ? outcome.response : undefined;
  const redacted = response === undefined ? {} : { response: redact(response) };
  if (outcome.kind !== 'sent' && outcome.kind !== 'sandboxed')
    return { ...outcome, ...redacted, reason: redact(outcome.reason) };
  const { kind, providerMessageId: id } = outcome;
  const billed = outcome.kind === 'sent' ? toBilled(outcome) : {};
  // A message id may look like an email address; it is not masked.
  const named = id === undefined ? {} : { providerMessageId: storableText(id.slice(0, MAX_MESSAGE_ID_CHARS)) };
  return { kind, ...redacted, ...billed, ...named };
}

const MAX_MESSAGE_ID_CHARS = 500;
/** The largest cost and number of parts that their columns hold. */
const MAX_COST = 999_999;
const MAX_PARTS = 32_767;

/** Returns parts and cost that a provider gave, as far as they can be stored. */
function toBilled({ parts, cost }: Extract<SendOutcome, { kind: 'sent' }>) {
  const hasParts = parts !== undefined && Number.isInteger(parts) && parts >= 1 && parts <= MAX_PARTS;
  const hasCost = cost !== undefined && Math.abs(cost.amount) <= MAX_COST && /^[A-Z]{3}$/.test(cost.currency);
  return { ...(hasParts ? { parts } : {}), ...(hasCost ? { cost } : {}) };
}

const MAX_STACK_CHARS = 2000;

/** Returns the error with its stack, and with addresses masked in both, so that it can be logged. */
function redactError(error: unknown): Error {
  const redacted = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) redacted.stack = redact(error.stack, MAX_STACK_CHARS);
  return redacted;
}
