import type { Webhook, WebhookDelivery } from '@tidings/client/types';
import type { DeliveryStatus } from '../api/types.ts';
import { IconAlert, IconBan, IconCircle } from '../shell/icons.tsx';
import { getLook, type Look, STATUSES } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

const DISABLED: Record<NonNullable<Webhook['state_code']>, string> = {
  by_hand: t('by hand'),
  gone: t('it answered that it is gone'),
  failing: t('nothing succeeded for days'),
};

/** Returns the look of an endpoint. None is green: an endpoint without failures may have got nothing yet. */
export function getEndpointLook({ state, state_code: code, failures, failing_since: since }: Webhook): Look {
  if (state !== 'active') {
    return { label: `Disabled: ${code === null ? 'unknown' : DISABLED[code]}`, color: 'red', Icon: IconBan };
  }
  if (since === null) return { label: t('Active'), color: 'gray', Icon: IconCircle };
  const label = `Failing: ${failures} ${failures === 1 ? 'failure' : 'failures'}`;
  return { label, color: 'orange', Icon: IconAlert };
}

/** Says in words what an endpoint receives. */
export function describeTypes({ event_types: events, notification_types: types }: Webhook): string {
  const of = types === null ? '' : ` of ${types.join(', ')}`;
  return events === null ? `messages${of === '' ? ' of all types' : of}` : `facts ${events.join(', ')}${of}`;
}

export function getStatusLook({ status }: WebhookDelivery): Look {
  return getLook(STATUSES, status as DeliveryStatus);
}
