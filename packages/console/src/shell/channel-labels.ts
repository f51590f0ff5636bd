import type { Channel } from '../../../../src/model/delivery.ts';
import { t } from '../text/text.ts';

export const CHANNEL_LABELS: Readonly<Record<Channel, string>> = {
  email: t('Email'),
  sms: t('SMS'),
  push: t('Push'),
  in_app: t('In-app'),
  webhook: t('Webhook'),
  chat: t('Chat'),
  internal: t('Internal'),
};
