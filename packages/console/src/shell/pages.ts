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
    label: 'Operate',
    pages: [
      { key: 'overview', label: 'Overview', href: linkToOverview(), Icon: IconGauge, words: 'home problems charts' },
      { key: 'live', label: 'Live', href: linkToLive(), Icon: IconActivity, words: 'activity events' },
      { key: 'notifications', label: 'Notifications', href: linkToNotifications(null), Icon: IconBell },
      { key: 'deliveries', label: 'Deliveries', href: linkToDeliveries(null), Icon: IconSend, words: 'messages queue' },
      {
        key: 'dead-letters',
        label: 'Failed',
        href: linkToDeadLetters(null),
        Icon: IconAlertOctagon,
        words: 'dead letters retry',
      },
      { key: 'waiting', label: 'Waiting', href: linkToWaiting(), Icon: IconClock, words: 'waits timers delays due' },
      { key: 'rejected', label: 'Rejected', href: linkToRejected(), Icon: IconMailAlert, words: 'events quarantine' },
      { key: 'jobs', label: 'Jobs', href: linkToJobs(), Icon: IconChecks },
      { key: 'correlation', label: 'Correlation', href: linkToCorrelation(null), Icon: IconLink, words: 'trace id' },
    ],
  },
  {
    label: 'Design',
    pages: [
      { key: 'types', label: 'Notification types', href: linkToTypes(), Icon: IconTag, words: 'locales unsubscribed' },
      { key: 'catalog contents', label: 'Catalog', href: linkToCatalog(), Icon: IconBook, words: 'rules types events' },
      { key: 'templates', label: 'Templates', href: linkToTemplates(null), Icon: IconMessage },
      { key: 'preview', label: 'Preview', href: linkToPreview({}), Icon: IconEye, words: 'render template' },
      { key: 'catalog versions', label: 'Versions', href: linkToVersions(), Icon: IconHistory, words: 'roll back' },
      {
        key: 'releases',
        label: 'Releases',
        href: linkToReleases(),
        Icon: IconSplit,
        words: 'canary share watch rollback',
      },
    ],
  },
  {
    label: 'Send',
    pages: [
      { key: 'send', label: 'Send', href: linkToSend(), Icon: IconFeather, words: 'notification now schedule' },
      { key: 'batches', label: 'Batches', href: linkToBatches(), Icon: IconLoudspeaker, words: 'campaign' },
      { key: 'lists', label: 'Lists and segments', href: linkToLists(), Icon: IconList, words: 'audience' },
    ],
  },
  {
    label: 'Measure',
    pages: [
      {
        key: 'analytics',
        label: 'Analytics',
        href: linkToAnalytics(),
        Icon: IconChart,
        words: 'metrics funnel reasons experiments anomalies rates',
      },
      { key: 'channels costs', label: 'Costs', href: linkToChannels('costs'), Icon: IconMoney, words: 'prices money' },
    ],
  },
  {
    label: 'Connect',
    pages: [
      {
        key: 'channels accounts',
        label: 'Channels',
        href: linkToChannels(),
        Icon: IconMail,
        words: 'providers accounts',
      },
      {
        key: 'webhooks',
        label: 'Webhooks',
        href: linkToWebhooks(),
        Icon: IconWebhook,
        words: 'endpoints replay secret',
      },
      { key: 'channels sending', label: 'Sending', href: linkToChannels('sending'), Icon: IconMailCheck },
      { key: 'channels routes', label: 'Routes', href: linkToChannels('routes'), Icon: IconSplit },
      {
        key: 'connections',
        label: 'Connections',
        href: linkToChannels('connections'),
        Icon: IconConnection,
        words: 'sources connectors kafka',
      },
    ],
  },
  {
    label: 'Govern',
    pages: [
      {
        key: 'channels suppressions',
        label: 'Suppressions',
        href: linkToChannels('suppressions'),
        Icon: IconMailOff,
        words: 'blocked addresses bounces unsubscribed',
      },
      {
        key: 'tenants',
        label: 'Tenants',
        href: linkToTenants(),
        Icon: IconDomain,
        words: 'suspend limits usage',
        scope: 'tenants:read',
      },
      { key: 'keys', label: 'API keys', href: linkToKeys(), Icon: IconKey, words: 'secrets scopes rotate' },
      { key: 'members', label: 'Members', href: linkToMembers(), Icon: IconUser, words: 'members roles invite' },
      { key: 'audit', label: 'Audit log', href: linkToAudit(), Icon: IconLock, words: 'who changed what' },
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
