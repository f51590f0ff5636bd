import type { DeadAddressKind, Failure, FailureScope, Fault, SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** Code of an attempt whose sender, chosen by the tenant in `mail_from`, the provider did not accept: whatever code it gave for that. */
export const MAIL_FROM_CODE = 'mail_from_rejected';

/** Meaning of a code of a provider: the class of the outcome, and its scope. */
export interface ProviderCode {
  /** As the provider gives it: `21610`, `UNREGISTERED`, `429`. */
  readonly code: string;
  readonly kind: 'retry' | 'rejected' | 'address_dead' | 'misconfigured' | 'in_doubt';
  /** Scope of a `retry`. Default: the provider. */
  readonly of?: FailureScope;
  /** Kind of an `address_dead`. Default: invalid. */
  readonly as?: DeadAddressKind;
  /** Whether a `misconfigured` is about the sender of the message alone: one that a tenant has chosen stops no account. */
  readonly isOfSender?: true;
  /** Party whose fault it is. Default: as `getFault` says of the class. */
  readonly fault?: Fault;
  /** Meaning, as part of a sentence: the reason that operators read. */
  readonly meaning: string;
  /** Advice to operators, in one or two sentences. Default: as the class has it, see advice.ts. */
  readonly advice?: string;
  /** The same where the account is that of the installation, whose settings are in the environment. Default: `advice`. */
  readonly installationAdvice?: string;
}

/** Returns the outcome for an entry of the table of codes. */
export function toCodeOutcome(
  { code, kind, of, as, isOfSender, fault, meaning }: ProviderCode,
  more: Pick<Failure, 'response'> & { readonly after?: Millis; readonly since?: Millis } = {},
): SendOutcome {
  const { after, since, response } = more;
  const failure = {
    code,
    reason: meaning,
    ...(response === undefined ? {} : { response }),
    ...(fault === undefined ? {} : { fault }),
  };
  switch (kind) {
    case 'retry':
      return { kind, ...failure, ...(of ? { of } : {}), ...(after === undefined ? {} : { after }) };
    case 'address_dead':
      return { kind, ...failure, as: as ?? 'invalid', ...(since === undefined ? {} : { since }) };
    case 'misconfigured':
      return {
        kind,
        ...failure,
        ...(after === undefined ? {} : { after }),
        ...(isOfSender ? { isOfSender } : {}),
      };
    default:
      return { kind, ...failure, ...(after === undefined ? {} : { after }) };
  }
}
