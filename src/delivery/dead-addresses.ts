import { formatDeliveryId } from '../model/delivery-id.ts';
import { isSuppressible, type Suppression } from '../model/suppression.ts';
import { getSuppression } from '../track/suppression.ts';
import type { CompletedAttempt } from './lifecycle.ts';

/** Returns the suppressions of addresses that a provider called dead as it was given the message. */
export function toSuppressions(completed: readonly CompletedAttempt[]): Suppression[] {
  return completed.flatMap(({ delivery, settlement: { attempt, deadAs, sentAs } }) => {
    const { tenantId, channel, address } = delivery;
    if (deadAs === undefined || !address || !isSuppressible(channel)) return [];
    const since = attempt.startedAt + attempt.durationMs;
    const verdict = getSuppression({ outcome: deadAs, at: since }, { softBounces: [] });
    if (!verdict) return [];
    const { reason, until = null } = verdict;
    // STOP is a word to one sender: the others may go on.
    const scope = reason === 'opted_out' && sentAs !== undefined ? `sender:${sentAs}` : verdict.scope;
    const evidence = {
      source: 'attempt',
      delivery_id: formatDeliveryId(delivery),
      attempt: attempt.n,
      provider: attempt.provider,
      ...(attempt.account === null ? {} : { account: attempt.account }),
      ...(attempt.code === null ? {} : { code: attempt.code }),
      ...(attempt.reason === null ? {} : { reason: attempt.reason }),
      ...(attempt.response === null ? {} : { response: attempt.response }),
    };
    return [
      {
        tenantId,
        channel,
        addressHash: address.hash,
        addressMask: address.mask,
        scope,
        reason,
        since,
        until,
        evidence,
      },
    ];
  });
}
