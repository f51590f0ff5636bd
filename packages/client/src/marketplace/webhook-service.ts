import type { CallOptions } from '../connection.ts';
import type { Tidings } from '../tidings.ts';
import type { WebhookTestResult, WebhookWithSecret } from '../types.ts';
import { verifyWebhookSignature } from '../webhooks.ts';

/** An endpoint to be created. */
export interface WebhookSubscriptionRequest {
  readonly name: string;
  /** `https://…`, at a public address. */
  readonly url: string;
  /**
   * Notification types (`ORDER_SHIPPED`), whose messages by the channel webhook it gets; or types of events (`order.created`,
   * `notification.failed`, `order.*`), of which it gets those that happen. A subscription is of one kind.
   */
  readonly events: readonly string[];
  /** Text of 16 to 512 characters; absent: one is made, and only the result has it. */
  readonly secret?: string;
  /** Headers of its requests; they are kept sealed. */
  readonly headers?: { readonly [name: string]: string };
}

/** An endpoint that was created. Only this result has its secret. */
export type WebhookSubscription = WebhookWithSecret & { readonly id: string };

/** Subscribes URLs of partners to notifications and events. */
export class WebhookService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /**
   * Creates an endpoint.
   * @param userId who asks for it in your program; the description of the endpoint names them, and the audit log the key
   * @throws TypeError for notification types beside types of events
   */
  async createSubscription(
    { name, url, events, secret, headers }: WebhookSubscriptionRequest,
    userId?: string,
    options?: CallOptions,
  ): Promise<WebhookSubscription> {
    const created = await this.#tidings.webhooks.create(
      {
        url,
        description: userId === undefined ? name : `${name} (${userId})`,
        ...toSelection(events),
        ...(secret !== undefined && { secret }),
        ...(headers && { headers: { ...headers } }),
      },
      options,
    );
    return { ...created, id: created.endpoint_id };
  }

  /** Sends a message of the type `webhook.test` now, and returns what the endpoint answered. */
  testWebhook(id: string, options?: CallOptions): Promise<WebhookTestResult> {
    return this.#tidings.webhooks.test(id, undefined, options);
  }

  /**
   * Returns whether a request is signed with the secret, by its header `x-webhook-signature`. The header proves no time: prefer
   * `verifyWebhook` of `@tidings/client`.
   * @param body as it arrived, before anything has parsed it
   * @param signature undefined, or more than one: not genuine
   */
  async verifyWebhookSignature(
    body: string | Uint8Array,
    signature: string | readonly string[] | undefined,
    secret: string,
  ): Promise<boolean> {
    return typeof signature === 'string' && verifyWebhookSignature(body, signature, secret);
  }
}

/** Returns the fields that select what an endpoint gets. Types of events have a dot, or are `*`. */
function toSelection(events: readonly string[]): { event_types: string[] } | { notification_types: string[] } {
  const eventTypes = events.filter((name) => name.includes('.') || name === '*');
  if (eventTypes.length === 0) return { notification_types: [...events] };
  if (eventTypes.length === events.length) return { event_types: eventTypes };
  throw new TypeError('A subscription has notification types or types of events: create one for each.');
}
