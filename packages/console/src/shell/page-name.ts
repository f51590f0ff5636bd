import type { AnalyticsPart, Route, UserTab } from '../route.ts';
import { t } from '../text/text.ts';

/** Names of the parts of the pages of channels. */
const CHANNELS_PARTS: Record<Extract<Route, { page: 'channels' }>['part'], string> = {
  accounts: t('Channels'),
  sending: t('Sending'),
  routes: t('Routes'),
  costs: t('Costs'),
  suppressions: t('Suppressions'),
};

/** Names of the parts of the page of analytics. */
const ANALYTICS_NAMES: Record<AnalyticsPart, string> = {
  messages: t('Analytics'),
  experiments: t('Experiments'),
  anomalies: t('Unusual volumes'),
};

/** Returns the name of a page, for the title of the window. */
export function formatPageName(route: Route): string {
  switch (route.page) {
    case 'login':
      return t('Log in');
    case 'user':
      return route.tab === 'why' ? route.userId : formatTabName(route.userId, route.tab);
    case 'notifications':
      return t('Notifications');
    case 'notification':
      return t('Notification');
    case 'send':
      return t('Send');
    case 'batches':
      return t('Batches');
    case 'new-batch':
      return t('New batch');
    case 'lists':
      return t('Lists and segments');
    case 'list':
      return t('List');
    case 'segment':
      return t('Segment {name}', { name: route.name });
    case 'templates':
      return t('Templates');
    case 'template':
      return t('Template');
    case 'type-templates':
      return t('Templates of {name}', { name: route.name });
    case 'preview':
      return t('Preview');
    case 'batch':
      return t('Batch');
    case 'releases':
      return t('Releases');
    case 'rules':
      return t('Rules');
    case 'rule':
      return t('Rule {name}', { name: route.name });
    case 'audit':
      return t('Audit log');
    case 'webhooks':
      return t('Webhooks');
    case 'portal':
      return t('Webhooks');
    case 'endpoint':
      return t('Endpoint');
    case 'keys':
      return t('API keys');
    case 'members':
      return t('Members and roles');
    case 'catalog':
      return route.part === 'versions' ? t('Catalog versions') : t('Active catalog');
    case 'overview':
      return t('Overview');
    case 'analytics':
      return ANALYTICS_NAMES[route.part];
    case 'types':
      return t('Notification types');
    case 'type':
      return route.name;
    case 'preferences':
      return t('Preferences and consent');
    case 'tenants':
      return t('Tenants');
    case 'live':
      return t('Live');
    case 'deliveries':
      return t('Deliveries');
    case 'dead-letters':
      return t('Failed deliveries');
    case 'channels':
      return CHANNELS_PARTS[route.part];
    case 'connections':
      return t('Connections');
    case 'rejected':
      return t('Rejected events');
    case 'correlation':
      return t('Correlation');
    case 'waiting':
      return t('Waiting');
    case 'jobs':
      return t('Jobs');
    case 'unknown':
      return t('Page not found');
  }
}

function formatTabName(user: string, tab: UserTab): string {
  return t(
    '{user}: {tab, select, timeline {timeline} messages {messages} waiting {waiting} next {next seven days} preferences {preferences and consent} devices {devices and addresses} other {raw}}',
    { user, tab },
  );
}
