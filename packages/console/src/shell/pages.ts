/* The pages of the menu, in their groups. */
import {
  linkToAnalytics,
  linkToAudit,
  linkToBatches,
  linkToCatalog,
  linkToChannels,
  linkToCorrelation,
  linkToDeadLetters,
  linkToDeliveries,
  linkToJobs,
  linkToKeys,
  linkToLists,
  linkToLive,
  linkToMembers,
  linkToNotifications,
  linkToOverview,
  linkToPreview,
  linkToRejected,
  linkToReleases,
  linkToSend,
  linkToTemplates,
  linkToTenants,
  linkToTypes,
  linkToVersions,
  linkToWaiting,
  linkToWebhooks,
  type Route,
} from '../route.ts';
import { t } from '../text/text.ts';
import {
  IconActivity,
  IconAlertOctagon,
  IconBell,
  IconBook,
  IconChart,
  IconChecks,
  IconClock,
  IconConnection,
  IconDomain,
  IconEye,
  IconFeather,
  IconGauge,
  IconHistory,
  IconKey,
  IconLink,
  IconList,
  IconLock,
  IconLoudspeaker,
  IconMail,
  IconMailAlert,
  IconMailCheck,
  IconMailOff,
  IconMessage,
  IconMoney,
  IconSend,
  IconSplit,
  IconTag,
  IconUser,
  IconWebhook,
} from './icons.tsx';

/** A page of the menu. */
export interface MenuPage {
  /** Identifies it; a page that is not in the menu is marked as one of these. */
  readonly key: string;
  readonly label: string;
  readonly href: string;
  readonly Icon: typeof IconBell;
  /** Other words by which it is found. */
  readonly words?: string;
  /** Scope without which it is not in the menu; absent: everyone has it there. */
  readonly scope?: string;
}

export interface MenuGroup {
  readonly label: string;
  readonly pages: readonly MenuPage[];
}

export const MENU: readonly MenuGroup[] = [
  {
    label: t('Operate'),
    pages: [
      {
        key: 'overview',
        label: t('Overview'),
        href: linkToOverview(),
        Icon: IconGauge,
        words: t('home problems charts'),
      },
      { key: 'live', label: t('Live'), href: linkToLive(), Icon: IconActivity, words: t('activity events') },
      { key: 'notifications', label: t('Notifications'), href: linkToNotifications(null), Icon: IconBell },
      {
        key: 'deliveries',
        label: t('Deliveries'),
        href: linkToDeliveries(null),
        Icon: IconSend,
        words: t('messages queue'),
      },
      {
        key: 'dead-letters',
        label: t('Failed'),
        href: linkToDeadLetters(null),
        Icon: IconAlertOctagon,
        words: t('dead letters retry'),
      },
      {
        key: 'waiting',
        label: t('Waiting'),
        href: linkToWaiting(),
        Icon: IconClock,
        words: t('waits timers delays due'),
      },
      {
        key: 'rejected',
        label: t('Rejected'),
        href: linkToRejected(),
        Icon: IconMailAlert,
        words: t('events quarantine'),
      },
      { key: 'jobs', label: t('Jobs'), href: linkToJobs(), Icon: IconChecks },
      {
        key: 'correlation',
        label: t('Correlation'),
        href: linkToCorrelation(null),
        Icon: IconLink,
        words: t('trace id'),
      },
    ],
  },
  {
    label: t('Design'),
    pages: [
      {
        key: 'types',
        label: t('Notification types'),
        href: linkToTypes(),
        Icon: IconTag,
        words: t('locales unsubscribed'),
      },
      {
        key: 'catalog contents',
        label: t('Catalog'),
        href: linkToCatalog(),
        Icon: IconBook,
        words: t('rules types events'),
      },
      { key: 'templates', label: t('Templates'), href: linkToTemplates(null), Icon: IconMessage },
      { key: 'preview', label: t('Preview'), href: linkToPreview({}), Icon: IconEye, words: t('render template') },
      {
        key: 'catalog versions',
        label: t('Versions'),
        href: linkToVersions(),
        Icon: IconHistory,
        words: t('roll back'),
      },
      {
        key: 'releases',
        label: t('Releases'),
        href: linkToReleases(),
        Icon: IconSplit,
        words: t('canary share watch rollback'),
      },
    ],
  },
  {
    label: t('Send'),
    pages: [
      { key: 'send', label: t('Send'), href: linkToSend(), Icon: IconFeather, words: t('notification now schedule') },
      { key: 'batches', label: t('Batches'), href: linkToBatches(), Icon: IconLoudspeaker, words: t('campaign') },
      { key: 'lists', label: t('Lists and segments'), href: linkToLists(), Icon: IconList, words: t('audience') },
    ],
  },
  {
    label: t('Measure'),
    pages: [
      {
        key: 'analytics',
        label: t('Analytics'),
        href: linkToAnalytics(),
        Icon: IconChart,
        words: t('metrics funnel reasons experiments anomalies rates'),
      },
      {
        key: 'channels costs',
        label: t('Costs'),
        href: linkToChannels('costs'),
        Icon: IconMoney,
        words: t('prices money'),
      },
    ],
  },
  {
    label: t('Connect'),
    pages: [
      {
        key: 'channels accounts',
        label: t('Channels'),
        href: linkToChannels(),
        Icon: IconMail,
        words: t('providers accounts'),
      },
      {
        key: 'webhooks',
        label: t('Webhooks'),
        href: linkToWebhooks(),
        Icon: IconWebhook,
        words: t('endpoints replay secret'),
      },
      { key: 'channels sending', label: t('Sending'), href: linkToChannels('sending'), Icon: IconMailCheck },
      { key: 'channels routes', label: t('Routes'), href: linkToChannels('routes'), Icon: IconSplit },
      {
        key: 'connections',
        label: t('Connections'),
        href: linkToChannels('connections'),
        Icon: IconConnection,
        words: t('sources connectors kafka'),
      },
    ],
  },
  {
    label: t('Govern'),
    pages: [
      {
        key: 'channels suppressions',
        label: t('Suppressions'),
        href: linkToChannels('suppressions'),
        Icon: IconMailOff,
        words: t('blocked addresses bounces unsubscribed'),
      },
      {
        key: 'tenants',
        label: t('Tenants'),
        href: linkToTenants(),
        Icon: IconDomain,
        words: t('suspend limits usage'),
        scope: 'tenants:read',
      },
      { key: 'keys', label: t('API keys'), href: linkToKeys(), Icon: IconKey, words: t('secrets scopes rotate') },
      { key: 'members', label: t('Members'), href: linkToMembers(), Icon: IconUser, words: t('members roles invite') },
      { key: 'audit', label: t('Audit log'), href: linkToAudit(), Icon: IconLock, words: t('who changed what') },
    ],
  },
];

/** Pages about one thing, with the page of the menu that leads to them. */
const PARENTS: { readonly [page in Route['page']]?: string } = {
  notification: 'notifications',
  batch: 'batches',
  'new-batch': 'batches',
  list: 'lists',
  segment: 'lists',
  template: 'templates',
  endpoint: 'webhooks',
  type: 'types',
};

/** Returns the key of the page of the menu that a route is, or belongs to. */
export function toMenuKey(route: Route): string {
  if (route.page === 'channels' || route.page === 'catalog') return `${route.page} ${route.part}`;
  return PARENTS[route.page] ?? route.page;
}
