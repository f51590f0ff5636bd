import { Container, Skeleton } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useShownJob } from '../jobs/shown-job.ts';
import { useKeyState } from '../key.ts';
import { type ChannelsPart as Part, type Route, useRoute } from '../route.ts';
import { t } from '../text/text.ts';
import { Announcements } from './announce.tsx';
import { BottomBar } from './BottomBar.tsx';
import { EmptyState } from './EmptyState.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { useFolded } from './folded.ts';
import { Header } from './Header.tsx';
import { pageKey, usePageChange } from './page-change.ts';
import { toMenuKey } from './pages.ts';
import { Rail } from './Rail.tsx';

/* Each page is a file of its own, loaded when it is shown first. */
const OverviewPage = lazy(async () => ({ default: (await import('../overview/OverviewPage.tsx')).OverviewPage }));
const AnalyticsPage = lazy(async () => ({ default: (await import('../analytics/AnalyticsPage.tsx')).AnalyticsPage }));
const TypesPage = lazy(async () => ({ default: (await import('../types/TypesPage.tsx')).TypesPage }));
const TypePage = lazy(async () => ({ default: (await import('../types/TypePage.tsx')).TypePage }));
const TenantsPage = lazy(async () => ({ default: (await import('../govern/TenantsPage.tsx')).TenantsPage }));
const PreferencesPage = lazy(async () => ({
  default: (await import('../govern/PreferencesPage.tsx')).PreferencesPage,
}));
const LivePage = lazy(async () => ({ default: (await import('../activity/LivePage.tsx')).LivePage }));
const BatchesPage = lazy(async () => ({ default: (await import('../batches/BatchesPage.tsx')).BatchesPage }));
const BatchPage = lazy(async () => ({ default: (await import('../batches/BatchPage.tsx')).BatchPage }));
const CatalogPage = lazy(async () => ({ default: (await import('../catalog/CatalogPage.tsx')).CatalogPage }));
const VersionsPage = lazy(async () => ({ default: (await import('../catalog/VersionsPage.tsx')).VersionsPage }));
const ChannelsPage = lazy(async () => ({ default: (await import('../channels/ChannelsPage.tsx')).ChannelsPage }));
const ConnectionsPage = lazy(async () => ({
  default: (await import('../connections/ConnectionsPage.tsx')).ConnectionsPage,
}));
const CorrelationPage = lazy(async () => ({
  default: (await import('../correlation/CorrelationPage.tsx')).CorrelationPage,
}));
const CostsPage = lazy(async () => ({ default: (await import('../costs/CostsPage.tsx')).CostsPage }));
const DeadLettersPage = lazy(async () => ({
  default: (await import('../dead-letters/DeadLettersPage.tsx')).DeadLettersPage,
}));
const DeliveriesPage = lazy(async () => ({
  default: (await import('../deliveries/DeliveriesPage.tsx')).DeliveriesPage,
}));
const JobsPage = lazy(async () => ({ default: (await import('../jobs/JobsPage.tsx')).JobsPage }));
const NotificationPage = lazy(async () => ({
  default: (await import('../notifications/NotificationPage.tsx')).NotificationPage,
}));
const NotificationsPage = lazy(async () => ({
  default: (await import('../notifications/NotificationsPage.tsx')).NotificationsPage,
}));
const RejectedPage = lazy(async () => ({ default: (await import('../rejected/RejectedPage.tsx')).RejectedPage }));
const AuditPage = lazy(async () => ({ default: (await import('../govern/AuditPage.tsx')).AuditPage }));
const KeysPage = lazy(async () => ({ default: (await import('../govern/KeysPage.tsx')).KeysPage }));
const MembersPage = lazy(async () => ({ default: (await import('../govern/MembersPage.tsx')).MembersPage }));
const WebhooksPage = lazy(async () => ({ default: (await import('../webhooks/WebhooksPage.tsx')).WebhooksPage }));
const WebhookPage = lazy(async () => ({ default: (await import('../webhooks/WebhookPage.tsx')).WebhookPage }));
const PortalPage = lazy(async () => ({ default: (await import('../portal/PortalPage.tsx')).PortalPage }));
const ReleasesPage = lazy(async () => ({ default: (await import('../releases/ReleasesPage.tsx')).ReleasesPage }));
const RulesPage = lazy(async () => ({ default: (await import('../rules/RulesPage.tsx')).RulesPage }));
const RulePage = lazy(async () => ({ default: (await import('../rules/RulePage.tsx')).RulePage }));
const RoutesPage = lazy(async () => ({ default: (await import('../routes/RoutesPage.tsx')).RoutesPage }));
const SendingPage = lazy(async () => ({ default: (await import('../sending/SendingPage.tsx')).SendingPage }));
const NewBatchPage = lazy(async () => ({ default: (await import('../batches/NewBatchPage.tsx')).NewBatchPage }));
const SendPage = lazy(async () => ({ default: (await import('../send/SendPage.tsx')).SendPage }));
const SuppressionsPage = lazy(async () => ({
  default: (await import('../suppressions/SuppressionsPage.tsx')).SuppressionsPage,
}));
const ListsPage = lazy(async () => ({ default: (await import('../lists/ListsPage.tsx')).ListsPage }));
const ListPage = lazy(async () => ({ default: (await import('../lists/ListPage.tsx')).ListPage }));
const SegmentPage = lazy(async () => ({ default: (await import('../lists/SegmentPage.tsx')).SegmentPage }));
const TemplatesPage = lazy(async () => ({ default: (await import('../templates/TemplatesPage.tsx')).TemplatesPage }));
const TemplatePage = lazy(async () => ({ default: (await import('../templates/TemplatePage.tsx')).TemplatePage }));
const PreviewPage = lazy(async () => ({ default: (await import('../templates/PreviewPage.tsx')).PreviewPage }));
const WaitingPage = lazy(async () => ({ default: (await import('../waiting/WaitingPage.tsx')).WaitingPage }));
const LoginPage = lazy(async () => ({ default: (await import('./LoginPage.tsx')).LoginPage }));
const LinkPage = lazy(async () => ({ default: (await import('./LinkPage.tsx')).LinkPage }));
const JobDialogHost = lazy(async () => ({ default: (await import('../jobs/JobDialog.tsx')).JobDialogHost }));
const UserPage = lazy(async () => ({ default: (await import('../user/UserPage.tsx')).UserPage }));

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
    case 'preview':
      return <PreviewPage choice={route} />;
    case 'correlation':
      return <CorrelationPage key={route.id} id={route.id} />;
    case 'unknown':
      return (
        <EmptyState title={t('Page not found')} isPage>
          {t('Choose a page from the menu.')}
        </EmptyState>
      );
  }
}

function ChannelsPart({ part }: { part: Exclude<Part, 'connections'> }) {
  if (part === 'suppressions') return <SuppressionsPage />;
  if (part === 'sending') return <SendingPage />;
  if (part === 'routes') return <RoutesPage />;
  return part === 'costs' ? <CostsPage /> : <ChannelsPage />;
}
