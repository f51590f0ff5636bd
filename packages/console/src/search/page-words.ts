import { t } from '../text/text.ts';

/** Other words by which a page of the menu is found, by its key. */
export const PAGE_WORDS: { readonly [key: string]: string } = {
  overview: t('home problems charts'),
  live: t('activity events'),
  deliveries: t('messages queue'),
  'dead-letters': t('dead letters retry'),
  waiting: t('waits timers delays due'),
  rejected: t('events quarantine'),
  correlation: t('trace id'),
  'catalog contents': t('types events contents'),
  rules: t('editor check backtest try cases funnel'),
  preview: t('render template'),
  'catalog versions': t('roll back'),
  releases: t('canary share watch rollback'),
  send: t('notification now schedule'),
  batches: t('campaign'),
  lists: t('audience'),
  'channels costs': t('prices money'),
  'channels accounts': t('providers accounts'),
  webhooks: t('endpoints replay secret'),
  connections: t('sources connectors kafka'),
  'channels suppressions': t('blocked addresses bounces unsubscribed'),
  keys: t('secrets scopes rotate'),
  members: t('members roles invite'),
  audit: t('who changed what'),
};
