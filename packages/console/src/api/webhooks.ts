import type {
  Job,
  NewWebhook,
  PortalLink,
  PortalSession,
  Webhook,
  WebhookChange,
  WebhookDeliveryPage,
  WebhookReplay,
  WebhookTestResult,
  WebhookWithSecret,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

export const getWebhook = (id: string): Promise<Webhook> => callApi(toPath(id));

/** Creates an endpoint; the answer has its secret, which is never shown again. */
export const createWebhook = (endpoint: NewWebhook): Promise<WebhookWithSecret> =>
  callApi('webhooks', 'POST', endpoint);

export const changeWebhook = (id: string, change: WebhookChange): Promise<Webhook> =>
  callApi(toPath(id), 'PATCH', change);

export const deleteWebhook = (id: string): Promise<Webhook> => callApi(toPath(id), 'DELETE');

/** Replaces the secret; the one before signs as well for another `overlap`, such as 24h. */
export const rotateWebhookSecret = (id: string, overlap: string): Promise<WebhookWithSecret> =>
  callApi(`${toPath(id)}/rotate-secret`, 'POST', { overlap });

/** Sends a test request to an endpoint, and returns what it answered. */
export const testWebhook = (id: string): Promise<WebhookTestResult> => callApi(`${toPath(id)}/test`, 'POST', {});

/** Returns a page of 50 messages to an endpoint, newest first. `after`: as for `getAudit`. */
export const getWebhookDeliveries = (id: string, after: string | null): Promise<WebhookDeliveryPage> =>
  callApi(`${toPath(id)}/deliveries?${buildQuery({ limit: '50', after })}`);

/** Sends one message to an endpoint again. */
export const replayWebhookDelivery = (id: string, deliveryId: string): Promise<unknown> =>
  callApi(`${toPath(id)}/deliveries/${encodeURIComponent(deliveryId)}/replay`, 'POST');

/** Starts a job that sends what was created in a time again. */
export const replayWebhook = (id: string, replay: WebhookReplay): Promise<Job> =>
  callApi(`${toPath(id)}/replay`, 'POST', replay);

/** Makes a link that opens the webhook portal once. `name`: of who gets it; empty: it is not named. */
export const createPortalLink = (name: string): Promise<PortalLink> =>
  callApi('webhooks/portal-links', 'POST', name === '' ? {} : { name });

/** Starts a session of the portal. Throws a Problem `link_used` if the link no longer works. */
export const startPortalSession = (link: string): Promise<PortalSession> =>
  callApi('webhooks/portal-sessions', 'POST', { link });

const toPath = (id: string): string => `webhooks/${encodeURIComponent(id)}`;
