import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Settlement } from '../store/deliveries/settlements.ts';
import type { EndpointResult } from '../store/webhooks/endpoint-results.ts';

/** Returns what the attempts of a batch say about endpoints of webhooks, one result for each; of other channels nothing. */
export function toEndpointResults(settlements: readonly Settlement[]): EndpointResult[] {
  const byEndpoint = new Map<string, EndpointResult>();
  for (const { tenantId, channel, target, attempt } of settlements) {
    if (CHANNEL_DESCRIPTORS[channel].targets !== 'endpoints' || target === '' || attempt.outcome === 'sandboxed')
      continue;
    // Nothing was sent.
    if (attempt.outcome === 'undeliverable') continue;
    const key = `${tenantId}/${target}`;
    const known = byEndpoint.get(key);
    const isSent = attempt.outcome === 'sent';
    byEndpoint.set(key, {
      tenantId,
      endpointId: target,
      hasSucceeded: isSent || known?.hasSucceeded === true,
      failures: isSent ? 0 : (known?.failures ?? 0) + 1,
      isGone: attempt.outcome === 'address_dead' || known?.isGone === true,
    });
  }
  return [...byEndpoint.values()];
}
