import type { FastifyReply } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { Quota } from '../model/principal.ts';
import type { QuotaState, Quotas } from '../tenants/quotas.ts';

/**
 * Uses the quota of a request, and adds its state to the response (draft-ietf-httpapi-ratelimit-headers-10). Returns the error
 * if the quota does not allow the request.
 */
export function useQuota(quotas: Quotas, quota: Quota, reply: FastifyReply): TidingsError | undefined {
  const state = quotas.use(quota);
  addHeaders(reply, state);
  if (state.allowed) return undefined;
  return new TidingsError(
    'rate_limited',
    `The ${quota.id.startsWith('user ') ? 'user of the token' : 'key'} may make ${state.limit} requests per minute; the next one in ${state.reset} s.`,
    { retryAfter: state.reset },
  );
}

/** Uses the quota `count` further times, for a request that has been allowed. */
export function chargeQuota(quotas: Quotas, quota: Quota, count: number, reply: FastifyReply): void {
  if (count > 0) addHeaders(reply, quotas.charge(quota, count));
}

function addHeaders(reply: FastifyReply, { limit, remaining, reset }: QuotaState): void {
  reply
    .header('ratelimit-policy', `"default";q=${limit};w=60`)
    .header('ratelimit', `"default";r=${remaining};t=${reset}`);
}
