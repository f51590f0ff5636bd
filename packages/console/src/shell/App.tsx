import { Container, Skeleton } from '@mantine/core';
import { type ComponentType, lazy, Suspense, useState } from 'react';
import { useShownJob } from '../jobs/shown-job.ts';
import { useKeyState } from '../key.ts';
import { type ChannelsPart as Part, type Route, useRoute } from '../route.ts';
import { t } from '../text/text.ts';
import { Announcements } from './announce.tsx';
import { BottomBar } from './BottomBar.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { useFolded } from './folded.ts';
import { Header } from './Header.tsx';
import { pageKey, usePageChange } from './page-change.ts';
import { toMenuKey } from './pages.ts';
import { Rail } from './Rail.tsx';

/** Returns a page that is a file of its own, loaded when it is shown first. */
function page<Name extends string, Props>(
  load: () => Promise<{ readonly [name in Name]: ComponentType<Props> }>,
  name: Name,
) {
  return lazy(async () => ({ default: (await load())[name] }));
}

const OverviewPage = page(() => import('../overview/OverviewPage.tsx'), 'OverviewPage');
const AnalyticsPage = page(() => import('../analytics/AnalyticsPage.tsx'), 'AnalyticsPage');
const TypesPage = page(() => import('../types/TypesPage.tsx'), 'TypesPage');
const TypePage = page(() => import('../types/TypePage.tsx'), 'TypePage');
const TenantsPage = page(() => import('../govern/TenantsPage.tsx'), 'TenantsPage');
const PreferencesPage = page(() => import('../govern/PreferencesPage.tsx'), 'PreferencesPage');
const LivePage = page(() => import('../activity/LivePage.tsx'), 'LivePage');
const BatchesPage = page(() => import('../batches/BatchesPage.tsx'), 'BatchesPage');
const BatchPage = page(() => import('../batches/BatchPage.tsx'), 'BatchPage');
const CatalogPage = page(() => import('../catalog/CatalogPage.tsx'), 'CatalogPage');
const VersionsPage = page(() => import('../catalog/VersionsPage.tsx'), 'VersionsPage');
const ChannelsPage = page(() => import('../channels/ChannelsPage.tsx'), 'ChannelsPage');
const ConnectionsPage = page(() => import('../connections/ConnectionsPage.tsx'), 'ConnectionsPage');
const CorrelationPage = page(() => import('../correlation/CorrelationPage.tsx'), 'CorrelationPage');
const CostsPage = page(() => import('../costs/CostsPage.tsx'), 'CostsPage');
const DeadLettersPage = page(() => import('../dead-letters/DeadLettersPage.tsx'), 'DeadLettersPage');
const DeliveriesPage = page(() => import('../deliveries/DeliveriesPage.tsx'), 'DeliveriesPage');
const JobsPage = page(() => import('../jobs/JobsPage.tsx'), 'JobsPage');
const NotificationPage = page(() => import('../notifications/NotificationPage.tsx'), 'NotificationPage');
const NotificationsPage = page(() => import('../notifications/NotificationsPage.tsx'), 'NotificationsPage');
const RejectedPage = page(() => import('../rejected/RejectedPage.tsx'), 'RejectedPage');
const AuditPage = page(() => import('../govern/AuditPage.tsx'), 'AuditPage');
const KeysPage = page(() => import('../govern/KeysPage.tsx'), 'KeysPage');
const MembersPage = page(() => import('../govern/MembersPage.tsx'), 'MembersPage');
const WebhooksPage = page(() => import('../webhooks/WebhooksPage.tsx'), 'WebhooksPage');
const WebhookPage = page(() => import('../webhooks/WebhookPage.tsx'), 'WebhookPage');
const PortalPage = page(() => import('../portal/PortalPage.tsx'), 'PortalPage');
const ReleasesPage = page(() => import('../releases/ReleasesPage.tsx'), 'ReleasesPage');
const RulesPage = page(() => import('../rules/RulesPage.tsx'), 'RulesPage');
const RulePage = page(() => import('../rules/RulePage.tsx'), 'RulePage');
const RoutesPage = page(() => import('../routes/RoutesPage.tsx'), 'RoutesPage');
const SendingPage = page(() => import('../sending/SendingPage.tsx'), 'SendingPage');
const NewBatchPage = page(() => import('../batches/NewBatchPage.tsx'), 'NewBatchPage');
const SendPage = page(() => import('../send/SendPage.tsx'), 'SendPage');
const SuppressionsPage = page(() => import('../suppressions/SuppressionsPage.tsx'), 'SuppressionsPage');
const ListsPage = page(() => import('../lists/ListsPage.tsx'), 'ListsPage');
const ListPage = page(() => import('../lists/ListPage.tsx'), 'ListPage');
const SegmentPage = page(() => import('../lists/SegmentPage.tsx'), 'SegmentPage');
const TemplatesPage = page(() => import('../templates/TemplatesPage.tsx'), 'TemplatesPage');
const TemplatePage = page(() => import('../templates/TemplatePage.tsx'), 'TemplatePage');
const TypeTemplatesPage = page(() => import('../templates/TypeTemplatesPage.tsx'), 'TypeTemplatesPage');
const PreviewPage = page(() => import('../templates/PreviewPage.tsx'), 'PreviewPage');
const WaitingPage = page(() => import('../waiting/WaitingPage.tsx'), 'WaitingPage');
const NotFoundPage = page(() => import('./NotFoundPage.tsx'), 'NotFoundPage');
const LoginPage = page(() => import('./LoginPage.tsx'), 'LoginPage');
const LinkPage = page(() => import('./LinkPage.tsx'), 'LinkPage');
const JobDialogHost = page(() => import('../jobs/JobDialog.tsx'), 'JobDialogHost');
const UserPage = page(() => import('../user/UserPage.tsx'), 'UserPage');

export function App() {
  const route = useRoute();
  usePageChange(route);
  const isFolded = useFolded();
  if (route.page === 'portal') {
    return (
      <main className="main" id="main" data-portal>
        <ErrorBoundary key={pageKey(route)}>
          <Suspense fallback={<Skeleton height={320} />}>
            <PortalPage endpoint={route.endpoint} link={route.link} />
          </Suspense>
        </ErrorBoundary>
        <Announcements />
      </main>
    );
  }
  return (
    <>
      <a className="skip-link" href="#main">
        {t('Skip to the content')}
      </a>
      <Header />
      <Rail current={toMenuKey(route)} />
      <main className="main" id="main" tabIndex={-1} data-folded={isFolded || undefined}>
        <Container size={1240} px={0} py="xs">
          <ErrorBoundary key={pageKey(route)}>
            <Suspense fallback={<Skeleton height={320} />}>
              <Content route={route} />
            </Suspense>
          </ErrorBoundary>
        </Container>
      </main>
      <BottomBar current={toMenuKey(route)} />
      <JobDialogWhenShown />
      <Announcements />
    </>
  );
}

/** The dialog of jobs, which is loaded when it is opened first, and stays: so it can fade out. */
function JobDialogWhenShown() {
  const isShown = useShownJob() !== null;
  const [wasShown, setWasShown] = useState(false);
  if (isShown && !wasShown) setWasShown(true);
  return wasShown ? (
    <Suspense fallback={null}>
      <JobDialogHost />
    </Suspense>
  ) : null;
}

/** The page of the route, or what is needed to see it. */
function Content({ route }: { route: Exclude<Route, { page: 'portal' }> }) {
  const keyState = useKeyState();
  if (route.page === 'login') {
    return route.link === null ? <LoginPage problem={route.problem} /> : <LinkPage link={route.link} />;
  }
  if (keyState === 'open') return <Page route={route} />;
  return <LoginPage problem={null} rejected={keyState === 'rejected'} />;
}

function Page({ route }: { route: Exclude<Route, { page: 'login' | 'portal' }> }) {
  switch (route.page) {
    case 'overview':
      return <OverviewPage range={route.range} span={route.span} />;
    case 'analytics':
      return <AnalyticsPage route={route} />;
    case 'types':
      return <TypesPage />;
    case 'type':
      return <TypePage key={route.name} name={route.name} />;
    case 'preferences':
      return <PreferencesPage />;
    case 'tenants':
      return <TenantsPage />;
    case 'live':
      return <LivePage />;
    case 'user':
      return <UserPage key={route.userId} route={route} />;
    case 'notifications':
      return <NotificationsPage state={route.state} />;
    case 'notification':
      return <NotificationPage key={route.id} id={route.id} />;
    case 'send':
      return <SendPage key={route.to} type={route.type} to={route.to} />;
    case 'batches':
      return <BatchesPage />;
    case 'new-batch':
      return <NewBatchPage list={route.list} segment={route.segment} />;
    case 'batch':
      return <BatchPage key={route.id} id={route.id} state={route.state} />;
    case 'lists':
      return <ListsPage />;
    case 'list':
      return <ListPage key={route.id} id={route.id} />;
    case 'segment':
      return <SegmentPage key={route.name} name={route.name} />;
    case 'deliveries':
      return <DeliveriesPage filter={route.filter} />;
    case 'dead-letters':
      return <DeadLettersPage key={route.group} group={route.group} />;
    case 'channels':
      return <ChannelsPart part={route.part} />;
    case 'connections':
      return <ConnectionsPage tasks={route} />;
    case 'rejected':
      return <RejectedPage source={route.source} />;
    case 'waiting':
      return <WaitingPage rule={route.rule} waitKey={route.key} />;
    case 'jobs':
      return <JobsPage />;
    case 'releases':
      return <ReleasesPage />;
    case 'rules':
      return <RulesPage />;
    case 'rule':
      return <RulePage key={route.name} name={route.name} tab={route.tab} />;
    case 'audit':
      return <AuditPage filter={route.filter} />;
    case 'keys':
      return <KeysPage />;
    case 'webhooks':
      return <WebhooksPage />;
    case 'endpoint':
      return <WebhookPage key={route.id} id={route.id} />;
    case 'members':
      return <MembersPage />;
    case 'catalog':
      return route.part === 'versions' ? <VersionsPage /> : <CatalogPage at={route.at} />;
    case 'templates':
      return <TemplatesPage type={route.type} />;
    case 'template':
      return <TemplatePage key={route.id} id={route.id} />;
    case 'type-templates':
      return <TypeTemplatesPage key={route.name} name={route.name} tab={route.tab} />;
    case 'preview':
      return <PreviewPage choice={route} />;
    case 'correlation':
      return <CorrelationPage key={route.id} id={route.id} />;
    case 'unknown':
      return <NotFoundPage />;
  }
}

function ChannelsPart({ part }: { part: Exclude<Part, 'connections'> }) {
  if (part === 'suppressions') return <SuppressionsPage />;
  if (part === 'sending') return <SendingPage />;
  if (part === 'routes') return <RoutesPage />;
  return part === 'costs' ? <CostsPage /> : <ChannelsPage />;
}
