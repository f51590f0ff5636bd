/** An attempt at a task that failed. The reason has no address, secret or card number, and nothing that the service said. */
export class CallFailure extends Error {
  /** Reason code, see docs/connectors.md. */
  readonly code: string;
  /** Whether another attempt would end in the same way. */
  readonly isFinal: boolean;

  constructor(code: string, reason: string, isFinal = false) {
    super(reason);
    this.code = code;
    this.isFinal = isFinal;
  }
}
