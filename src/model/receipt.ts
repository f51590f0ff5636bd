import type { Cost } from './delivery.ts';
import type { JsonObject, Millis } from './event.ts';

export const RECEIPT_KINDS = [
  'accepted',
  'delivered',
  'deferred',
  'failed',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'read',
  'unsubscribed',
  'opted_out',
  'opted_in',
  'unknown',
] as const;
export type ReceiptKind = (typeof RECEIPT_KINDS)[number];

/** Provider of the opens and clicks that Tidings notes itself. */
export const TRACKING_PROVIDER = 'tidings';

/** Reports in one request that are taken, at most; a request with more is rejected as a whole. */
export const MAX_REQUEST_RECEIPTS = 20_000;

interface ReferenceTenant {
  /** Tenant of the reference, as we gave it; absent: the default tenant. Counts for the account of the installation alone. */
  readonly tenantId?: string;
}

/** Report of a provider about one message, or of one address. */
export interface Receipt {
  /** The provider's id of the report, or a hash of it: a repetition has the same. */
  readonly id: string;
  /** The delivery, by the reference we gave (`Outgoing.idempotencyKey`) or the provider's message id; or who wrote to us. */
  readonly of:
    | ({ readonly reference: string } & ReferenceTenant)
    | ({
        readonly providerMessageId: string;
        /** Our reference, where the report has both: it finds a message whose id was never recorded. */
        readonly reference?: string;
      } & ReferenceTenant)
    | {
        readonly from: string;
        readonly text: string;
        /** The senders of ours that it was written to: a number, and its messaging service. Absent: that is not known. */
        readonly to?: readonly string[];
      };
  readonly kind: ReceiptKind;
  readonly at: Millis;
  /** The senders of ours that the message went out by: a number, and its messaging service. Absent: that is not known. */
  readonly senders?: readonly string[];
  /** Code of the provider. */
  readonly code?: string;
  /** Status of RFC 3463, as `5.1.1`. */
  readonly enhancedCode?: string;
  /** Whether a bounce or failure is permanent, as the provider judges it. */
  readonly isPermanent?: boolean;
  /** Whether a machine, not the user, opened or clicked, as the provider judges it. */
  readonly isMachine?: boolean;
  /** Number of the part of the message that it is about, from 1; absent: the whole. */
  readonly part?: number;
  readonly cost?: Cost;
  /** Billed parts of the message, counted with the cost. Absent: not known. */
  readonly parts?: number;
  /** Details as the provider gave them, to be shown; without addresses. */
  readonly detail?: JsonObject;
}

/** States of a sent delivery by its receipts. `unconfirmed`: no receipt came within the time in which one usually does. */
export const RECEIPT_STATES = [
  'unconfirmed',
  'delivered',
  'partly_delivered',
  'bounced',
  'complained',
  'failed',
] as const;
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** Actions of the user, and apart from them of machines, with a message. */
export const RECEIPT_FLAGS = [
  'opened',
  'clicked',
  'read',
  'unsubscribed',
  'machine_opened',
  'machine_clicked',
] as const;
export type ReceiptFlag = (typeof RECEIPT_FLAGS)[number];
