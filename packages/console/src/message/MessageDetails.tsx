import { Anchor } from '@mantine/core';
import type { DeliveryWithAttempts } from '@tidings/client/types';
import { Fragment, type ReactNode } from 'react';
import type { SentMessage } from '../api/types.ts';
import { linkToNotification, linkToTemplate } from '../route.ts';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';

/** Times, provider and template of a message. What is not known is left out. */
export function MessageDetails({ message, delivery }: { message: SentMessage; delivery: DeliveryWithAttempts }) {
  const { account, provider, provider_message_id: providerId, notification_id: notificationId } = delivery;
  const { template_id: templateId, template_version: version, locale, user_locale: wanted, variant } = message;
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('Rendered'), <Time key="rendered" value={message.rendered_at} as="full" />],
    [t('Ended'), delivery.finished_at && <Time key="ended" value={delivery.finished_at} as="full" />],
    [t('Provider'), account === null ? provider : `${provider} · ${account}`],
    [t('ID at the provider'), providerId],
    [t('Attempts'), String(delivery.attempts_made)],
    [
      t('Template'),
      templateId !== undefined && (
        <Anchor size="sm" href={linkToTemplate(templateId)}>
          {version === undefined ? templateId : t('{template}, version {version}', { template: templateId, version })}
        </Anchor>
      ),
    ],
    [t('Locale'), wanted !== undefined && t('{locale}, the user has {wanted}', { locale: locale ?? '–', wanted })],
    [t('Variant'), variant],
    [t('Delivery ID'), delivery.delivery_id],
    [
      t('Notification'),
      <Anchor key="notification" size="sm" className="break" href={linkToNotification(notificationId)}>
        {notificationId}
      </Anchor>,
    ],
  ];
  return (
    <dl className="fields words">
      {facts.map(([name, value]) =>
        value === null || value === undefined || value === false ? null : (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd className="break">{value}</dd>
          </Fragment>
        ),
      )}
    </dl>
  );
}
