import type { CallOptions } from '../connection.ts';
import type { Tidings } from '../tidings.ts';
import type { SendAnswer } from '../types.ts';
import type { NotificationCategory, NotificationChannel, NotificationPriority } from './enums.ts';

/** A user, or an address, which is that of the user who has it. */
export type NotificationRecipient =
  | { readonly userId: string }
  | { readonly email: string }
  | { readonly phone: string };

/** A notification as the marketplace document writes it. */
export interface NotificationRequest {
  /** Notification type of the catalog. */
  readonly type: string;
  /** 1 to 1,000. */
  readonly recipients: readonly NotificationRecipient[];
  /** Some of those of the type; absent: all of them. */
  readonly channels?: readonly NotificationChannel[];
  /** Absent: that of the type. */
  readonly priority?: NotificationPriority;
  /** Only that of the type: a request cannot relabel marketing. */
  readonly category?: NotificationCategory;
  /**
   * Values for templates, which show them at the top level (`{{orderNumber}}`) if the type declares it, and as
   * `{{event.orderNumber}}`.
   */
  readonly templateVariables?: object;
  /** A date, or an instant in RFC 3339; past: at once. */
  readonly scheduledAt?: Date | string;
  /** After it no message is sent. */
  readonly expiresAt?: Date | string;
  readonly context?: {
    readonly source?: string;
    readonly correlationId?: string;
    readonly metadata?: object;
  };
}

/** Sends notifications. */
export class NotificationService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /**
   * Sends a notification on the terms of each recipient: preferences, consent, quiet hours and limits hold.
   *
   * @param options with `idempotencyKey`, such as `ORDER_CONFIRMATION-4711`: a repeated call sends nothing twice, also from
   *   another process
   * @returns a result per recipient: `accepted`, `scheduled`, or `suppressed` or `rejected` with the reason
   * @throws TidingsApiError if the request as a whole is wrong: `unknown_type`, `category_mismatch` and the like
   * @throws RangeError for a date that is invalid
   */
  async sendNotification(request: NotificationRequest, options?: CallOptions): Promise<SendAnswer> {
    return this.#tidings.notifications.send(toSendRequest(request), {}, options);
  }

  /** Says what `sendNotification` would do, for each recipient and with the reason, and does nothing. */
  async shouldSendNotification(request: NotificationRequest, options?: CallOptions): Promise<SendAnswer> {
    return this.#tidings.notifications.send(toSendRequest(request), { dry_run: 'true' }, options);
  }
}

type SendRequest = Parameters<Tidings['notifications']['send']>[0];

function toSendRequest(request: NotificationRequest): SendRequest {
  const { type, recipients, channels, priority, category, templateVariables, scheduledAt, expiresAt, context } =
    request;
  return {
    type,
    recipients: recipients.map((one) => ('userId' in one ? { user_id: one.userId } : one)),
    ...(channels && { channels: [...channels] }),
    ...(priority && { priority }),
    ...(category && { category }),
    ...(templateVariables && { variables: toFields(templateVariables) }),
    ...(scheduledAt !== undefined && { scheduled_at: toInstant(scheduledAt) }),
    ...(expiresAt !== undefined && { expires_at: toInstant(expiresAt) }),
    ...(context && { context: toContext(context) }),
  };
}

function toContext({ source, correlationId, metadata }: NonNullable<NotificationRequest['context']>) {
  return {
    ...(source !== undefined && { source }),
    ...(correlationId !== undefined && { correlation_id: correlationId }),
    ...(metadata && { metadata: toFields(metadata) }),
  };
}

function toFields(values: object): { [name: string]: unknown } {
  return { ...values };
}

function toInstant(time: Date | string): string {
  return typeof time === 'string' ? time : time.toISOString();
}
