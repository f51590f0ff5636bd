import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  Job,
  NewPortalLink,
  NewWebhook,
  PortalLink,
  ReplayedDelivery,
  Webhook,
  WebhookChange,
  WebhookDelivery,
  WebhookReplay,
  WebhookSecretRotation,
  WebhookTest,
  WebhookTestResult,
  WebhookWithSecret,
} from '../types.ts';

/** Endpoints of webhooks, and the messages that were sent to them. */
export class Webhooks extends Resource {
  list(query: Query<'listWebhooks'> = {}, options?: CallOptions): Listing<Webhook> {
    return this.pages('/api/v1/webhooks', 'webhooks', { query }, options);
  }

  /** Creates an endpoint. The result is the only place that has its secret. */
  create(endpoint: NewWebhook, options?: CallOptions): Promise<WebhookWithSecret> {
    return this.request('post', '/api/v1/webhooks', { body: endpoint }, options);
  }

  get(id: string, options?: CallOptions): Promise<Webhook> {
    return this.request('get', '/api/v1/webhooks/{endpoint_id}', { path: { endpoint_id: id } }, options);
  }

  update(id: string, change: WebhookChange, options?: CallOptions): Promise<Webhook> {
    return this.request(
      'patch',
      '/api/v1/webhooks/{endpoint_id}',
      { path: { endpoint_id: id }, body: change },
      options,
    );
  }

  delete(id: string, options?: CallOptions): Promise<Webhook> {
    return this.request('delete', '/api/v1/webhooks/{endpoint_id}', { path: { endpoint_id: id } }, options);
  }

  /** Signs with a new secret; the one before signs as well for the overlap. */
  rotateSecret(id: string, rotation?: WebhookSecretRotation, options?: CallOptions): Promise<WebhookWithSecret> {
    const path = { endpoint_id: id };
    return this.request('post', '/api/v1/webhooks/{endpoint_id}/rotate-secret', { path, body: rotation }, options);
  }

  /** Sends a message of the type `webhook.test` now, and returns what the endpoint answered. */
  test(id: string, test?: WebhookTest, options?: CallOptions): Promise<WebhookTestResult> {
    const path = { endpoint_id: id };
    return this.request('post', '/api/v1/webhooks/{endpoint_id}/test', { path, body: test }, options);
  }

  /** Lists the messages to an endpoint with each attempt, newest first. */
  deliveries(id: string, query: Query<'listWebhookDeliveries'> = {}, options?: CallOptions): Listing<WebhookDelivery> {
    const path = { endpoint_id: id };
    return this.pages('/api/v1/webhooks/{endpoint_id}/deliveries', 'deliveries', { path, query }, options);
  }

  /** Sends one message once more, whatever became of it. */
  replayDelivery(id: string, deliveryId: string, options?: CallOptions): Promise<ReplayedDelivery> {
    const path = { endpoint_id: id, delivery_id: deliveryId };
    return this.request('post', '/api/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay', { path }, options);
  }

  /** Makes a link that opens the page of the endpoints once, for those who may do nothing else. The result is the only place that has it. */
  portalLink(link?: NewPortalLink, options?: CallOptions): Promise<PortalLink> {
    return this.request('post', '/api/v1/webhooks/portal-links', { body: link }, options);
  }

  /** Starts a job that sends the messages of a time range once more. */
  replay(id: string, replay?: WebhookReplay, options?: CallOptions): Promise<Job> {
    const path = { endpoint_id: id };
    return this.request('post', '/api/v1/webhooks/{endpoint_id}/replay', { path, body: replay }, options);
  }
}
