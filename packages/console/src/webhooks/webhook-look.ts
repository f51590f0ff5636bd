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
    return {
      label: t('Disabled: {reason}', { reason: code === null ? t('unknown') : DISABLED[code] }),
      color: 'red',
      Icon: IconBan,
    };
  }
  if (since === null) return { label: t('Active'), color: 'gray', Icon: IconCircle };
  const label = t('Failing: {failures, plural, one {# failure} other {# failures}}', { failures });
  return { label, color: 'orange', Icon: IconAlert };
}

/** Says in words what an endpoint receives. */
export function describeTypes({ event_types: events, notification_types: types }: Webhook): string {
  const [facts, of] = [events?.join(', '), types?.join(', ')];
  if (facts === undefined)
    return of === undefined ? t('messages of all types') : t('messages of {types}', { types: of });
  return of === undefined ? t('facts {facts}', { facts }) : t('facts {facts} of {types}', { facts, types: of });
}

export function getStatusLook({ status }: WebhookDelivery): Look {
  return getLook(STATUSES, status as DeliveryStatus);
}
