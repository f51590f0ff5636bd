import { z } from 'zod';
import { MAX_TRACKING_TOKEN_CHARS } from '../../privacy/tracking-token.ts';

/* Requests of providers. */

const name = z.string().min(1).max(200);

export const receiptParams = z.object({
  provider: name.describe('Name of the provider, as in its page of the docs'),
});

export const accountReceiptParams = z.object({
  provider: name.describe('Name of the provider, as in its page of the docs'),
  account: name.describe('Account of the tenant default; of another tenant: TENANT.ACCOUNT'),
});

/** Anything: the provider signs what it sends. */
export const freeQuery = z.looseObject({});
/** Programs add parameters of their own to links. */
export const trackingQuery = z.looseObject({ m: z.string().max(MAX_TRACKING_TOKEN_CHARS) });
export const rawBody = z.unknown().describe('As the provider sends it; at most 1 MiB');
