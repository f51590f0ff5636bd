/* The pages of the menu, in their groups. */
import type { Scope } from '../../../../src/model/principal.ts';
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
  linkToPreferences,
  linkToPreview,
  linkToRejected,
  linkToReleases,
  linkToRules,
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
  IconWand,
  IconWebhook,
} from './icons.tsx';

/** A page of the menu. */
export interface MenuPage {
  /** Identifies it; a page that is not in the menu is marked as one of these. */
  readonly key: string;
  readonly label: string;
  readonly href: string;
  readonly Icon: typeof IconBell;
  /** Scope without which it shows nothing, and is not in the menu; absent: it is in that of everyone. */
  readonly scope?: Scope;
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
      },
      { key: 'live', label: t('Live'), href: linkToLive(), Icon: IconActivity },
      { key: 'notifications', label: t('Notifications'), href: linkToNotifications(null), Icon: IconBell },
      {
        key: 'deliveries',
        label: t('Deliveries'),
        href: linkToDeliveries(null),
        Icon: IconSend,
      },
      {
        key: 'dead-letters',
        label: t('Failed'),
        href: linkToDeadLetters(null),
        Icon: IconAlertOctagon,
      },
      {
        key: 'waiting',
        label: t('Waiting'),
        href: linkToWaiting(),
        Icon: IconClock,
      },
      {
        key: 'rejected',
        label: t('Rejected'),
        href: linkToRejected(),
        Icon: IconMailAlert,
      },
      { key: 'jobs', label: t('Jobs'), href: linkToJobs(), Icon: IconChecks },
      {
        key: 'correlation',
        label: t('Correlation'),
        href: linkToCorrelation(null),
        Icon: IconLink,
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
      },
      {
        key: 'catalog contents',
        label: t('Catalog'),
        href: linkToCatalog(),
        Icon: IconBook,
      },
      {
        key: 'rules',
        label: t('Rules'),
        href: linkToRules(),
        Icon: IconWand,
      },
      { key: 'templates', label: t('Templates'), href: linkToTemplates(null), Icon: IconMessage },
      { key: 'preview', label: t('Preview'), href: linkToPreview({}), Icon: IconEye, scope: 'messages:read' },
      {
        key: 'catalog versions',
        label: t('Versions'),
        href: linkToVersions(),
        Icon: IconHistory,
      },
      {
        key: 'releases',
        label: t('Releases'),
        href: linkToReleases(),
        Icon: IconSplit,
      },
    ],
  },
  {
    label: t('Send'),
    pages: [
      { key: 'send', label: t('Send'), href: linkToSend(), Icon: IconFeather, scope: 'notifications:write' },
      { key: 'batches', label: t('Batches'), href: linkToBatches(), Icon: IconLoudspeaker },
      { key: 'lists', label: t('Lists and segments'), href: linkToLists(), Icon: IconList },
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
        scope: 'deliveries:read',
      },
      {
        key: 'channels costs',
        label: t('Costs'),
        href: linkToChannels('costs'),
        Icon: IconMoney,
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
      },
      {
        key: 'webhooks',
        label: t('Webhooks'),
        href: linkToWebhooks(),
        Icon: IconWebhook,
        scope: 'webhooks:read',
      },
      { key: 'channels sending', label: t('Sending'), href: linkToChannels('sending'), Icon: IconMailCheck },
      { key: 'channels routes', label: t('Routes'), href: linkToChannels('routes'), Icon: IconSplit },
      {
        key: 'connections',
        label: t('Connections'),
        href: linkToChannels('connections'),
        Icon: IconConnection,
      },
    ],
  },
  {
    label: t('Govern'),
    pages: [
      { key: 'preferences', label: t('Preferences and consent'), href: linkToPreferences(), Icon: IconChecks },
      {
        key: 'channels suppressions',
        label: t('Suppressions'),
        href: linkToChannels('suppressions'),
        Icon: IconMailOff,
      },
      {
        key: 'tenants',
        label: t('Tenants'),
        href: linkToTenants(),
        Icon: IconDomain,
        scope: 'tenants:read',
      },
      { key: 'keys', label: t('API keys'), href: linkToKeys(), Icon: IconKey, scope: 'keys:read' },
      { key: 'members', label: t('Members'), href: linkToMembers(), Icon: IconUser, scope: 'members:read' },
      { key: 'audit', label: t('Audit log'), href: linkToAudit(), Icon: IconLock, scope: 'audit_log:read' },
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
  'type-templates': 'templates',
  rule: 'rules',
  endpoint: 'webhooks',
  type: 'types',
};

/** Returns the key of the page of the menu that a route is, or belongs to. */
export function toMenuKey(route: Route): string {
  if (route.page === 'channels' || route.page === 'catalog') return `${route.page} ${route.part}`;
  return PARENTS[route.page] ?? route.page;
}
