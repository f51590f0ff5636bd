import { Container, Skeleton } from '@mantine/core';
import { Suspense } from 'react';
import { openJobDialog, useShownJob } from '../jobs/shown-job.ts';
import { useKeyState } from '../key.ts';
import { type ChannelsPart as Part, type Route, useRoute } from '../route.ts';
import { t } from '../text/text.ts';
import { Announcements } from './announce.tsx';
import { BottomBar } from './BottomBar.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { useFolded } from './folded.ts';
import { Header } from './Header.tsx';
import { LazyDialog, lazyPart } from './lazy-part.tsx';
import { pageKey, usePageChange } from './page-change.ts';
import { toMenuKey } from './pages.ts';
import { Rail } from './Rail.tsx';

const OverviewPage = lazyPart(() => import('../overview/OverviewPage.tsx'), 'OverviewPage');
const AnalyticsPage = lazyPart(() => import('../analytics/AnalyticsPage.tsx'), 'AnalyticsPage');
const TypesPage = lazyPart(() => import('../types/TypesPage.tsx'), 'TypesPage');
const TypePage = lazyPart(() => import('../types/TypePage.tsx'), 'TypePage');
const TenantsPage = lazyPart(() => import('../govern/TenantsPage.tsx'), 'TenantsPage');
const PreferencesPage = lazyPart(() => import('../govern/PreferencesPage.tsx'), 'PreferencesPage');
const LivePage = lazyPart(() => import('../activity/LivePage.tsx'), 'LivePage');
const BatchesPage = lazyPart(() => import('../batches/BatchesPage.tsx'), 'BatchesPage');
const BatchPage = lazyPart(() => import('../batches/BatchPage.tsx'), 'BatchPage');
const CatalogPage = lazyPart(() => import('../catalog/CatalogPage.tsx'), 'CatalogPage');
const VersionsPage = lazyPart(() => import('../catalog/VersionsPage.tsx'), 'VersionsPage');
const ChannelsPage = lazyPart(() => import('../channels/ChannelsPage.tsx'), 'ChannelsPage');
const ConnectionsPage = lazyPart(() => import('../connections/ConnectionsPage.tsx'), 'ConnectionsPage');
const CorrelationPage = lazyPart(() => import('../correlation/CorrelationPage.tsx'), 'CorrelationPage');
const CostsPage = lazyPart(() => import('../costs/CostsPage.tsx'), 'CostsPage');
const DeadLettersPage = lazyPart(() => import('../dead-letters/DeadLettersPage.tsx'), 'DeadLettersPage');
const DeliveriesPage = lazyPart(() => import('../deliveries/DeliveriesPage.tsx'), 'DeliveriesPage');
const JobsPage = lazyPart(() => import('../jobs/JobsPage.tsx'), 'JobsPage');
const NotificationPage = lazyPart(() => import('../notifications/NotificationPage.tsx'), 'NotificationPage');
const NotificationsPage = lazyPart(() => import('../notifications/NotificationsPage.tsx'), 'NotificationsPage');
const RejectedPage = lazyPart(() => import('../rejected/RejectedPage.tsx'), 'RejectedPage');
const AuditPage = lazyPart(() => import('../govern/AuditPage.tsx'), 'AuditPage');
const KeysPage = lazyPart(() => import('../govern/KeysPage.tsx'), 'KeysPage');
const MembersPage = lazyPart(() => import('../govern/MembersPage.tsx'), 'MembersPage');
const WebhooksPage = lazyPart(() => import('../webhooks/WebhooksPage.tsx'), 'WebhooksPage');
const WebhookPage = lazyPart(() => import('../webhooks/WebhookPage.tsx'), 'WebhookPage');
const PortalPage = lazyPart(() => import('../portal/PortalPage.tsx'), 'PortalPage');
const ReleasesPage = lazyPart(() => import('../releases/ReleasesPage.tsx'), 'ReleasesPage');
const RulesPage = lazyPart(() => import('../rules/RulesPage.tsx'), 'RulesPage');
const RulePage = lazyPart(() => import('../rules/RulePage.tsx'), 'RulePage');
const RoutesPage = lazyPart(() => import('../routes/RoutesPage.tsx'), 'RoutesPage');
const SendingPage = lazyPart(() => import('../sending/SendingPage.tsx'), 'SendingPage');
const NewBatchPage = lazyPart(() => import('../batches/NewBatchPage.tsx'), 'NewBatchPage');
const SendPage = lazyPart(() => import('../send/SendPage.tsx'), 'SendPage');
const SuppressionsPage = lazyPart(() => import('../suppressions/SuppressionsPage.tsx'), 'SuppressionsPage');
const ListsPage = lazyPart(() => import('../lists/ListsPage.tsx'), 'ListsPage');
const ListPage = lazyPart(() => import('../lists/ListPage.tsx'), 'ListPage');
const SegmentPage = lazyPart(() => import('../lists/SegmentPage.tsx'), 'SegmentPage');
const TemplatesPage = lazyPart(() => import('../templates/TemplatesPage.tsx'), 'TemplatesPage');
const TemplatePage = lazyPart(() => import('../templates/TemplatePage.tsx'), 'TemplatePage');
const TypeTemplatesPage = lazyPart(() => import('../templates/TypeTemplatesPage.tsx'), 'TypeTemplatesPage');
const PreviewPage = lazyPart(() => import('../templates/PreviewPage.tsx'), 'PreviewPage');
const WaitingPage = lazyPart(() => import('../waiting/WaitingPage.tsx'), 'WaitingPage');
const NotFoundPage = lazyPart(() => import('./NotFoundPage.tsx'), 'NotFoundPage');
const LoginPage = lazyPart(() => import('./LoginPage.tsx'), 'LoginPage');
const LinkPage = lazyPart(() => import('./LinkPage.tsx'), 'LinkPage');
const JobDialogHost = lazyPart(() => import('../jobs/JobDialog.tsx'), 'JobDialogHost');
const UserPage = lazyPart(() => import('../user/UserPage.tsx'), 'UserPage');

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
      <JobDialogPlace />
      <Announcements />
    </>
  );
}

/** The dialog of jobs. */
function JobDialogPlace() {
  return (
    <LazyDialog opened={useShownJob() !== null} onClose={() => openJobDialog(null)}>
      <JobDialogHost />
    </LazyDialog>
  );
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
