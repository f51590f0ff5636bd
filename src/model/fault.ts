import type { FailureScope, Fault, SendOutcome } from './delivery.ts';

/** Class of a failure, as an outcome or a code of a provider has it. */
export interface FailureClass {
  readonly kind: Exclude<SendOutcome['kind'], 'sent' | 'sandboxed'> | 'undeliverable';
  /** Scope of a `retry`. Absent: the provider. */
  readonly of?: FailureScope;
  /** Party whose fault it is, where the class alone would say another. */
  readonly fault?: Fault;
}

const FAULT_OF_SCOPE: { readonly [scope in FailureScope]: Fault } = {
  recipient: 'recipient',
  domain: 'recipient',
  message: 'message',
  account: 'account',
  provider: 'provider',
};

/** Returns whose fault a failure is. */
export function getFault({ kind, of = 'provider', fault }: FailureClass): Fault {
  if (fault) return fault;
  switch (kind) {
    case 'address_dead':
    case 'undeliverable':
      return 'recipient';
    case 'rejected':
      return 'message';
    case 'misconfigured':
      return 'account';
    case 'in_doubt':
      return 'provider';
    case 'retry':
      return FAULT_OF_SCOPE[of];
  }
}
