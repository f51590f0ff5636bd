import type { DeadAddressKind, Failure, FailureScope, SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** Meaning of a code of a provider: the class of the outcome, and its scope. */
export interface ProviderCode {
  /** As the provider gives it: `21610`, `UNREGISTERED`, `429`. */
  readonly code: string;
  readonly kind: 'retry' | 'rejected' | 'address_dead' | 'misconfigured' | 'in_doubt';
  /** Scope of a `retry`. Default: the provider. */
  readonly of?: FailureScope;
  /** Kind of an `address_dead`. Default: invalid. */
  readonly as?: DeadAddressKind;
  /** Meaning, as part of a sentence: the reason that operators read. */
  readonly meaning: string;
}

/** Returns the outcome for an entry of the table of codes. */
export function toCodeOutcome(
  { code, kind, of, as, meaning }: ProviderCode,
  more: Pick<Failure, 'response'> & { readonly after?: Millis; readonly since?: Millis } = {},
): SendOutcome {
  const { after, since, response } = more;
  const failure = { code, reason: meaning, ...(response === undefined ? {} : { response }) };
  switch (kind) {
    case 'retry':
      return { kind, ...failure, ...(of ? { of } : {}), ...(after === undefined ? {} : { after }) };
    case 'address_dead':
      return { kind, ...failure, as: as ?? 'invalid', ...(since === undefined ? {} : { since }) };
    default:
      return { kind, ...failure };
  }
}
