import { AppShell, Container } from '@mantine/core';
import { ActivityPage } from '../activity/ActivityPage.tsx';
import { BatchesPage } from '../batches/BatchesPage.tsx';
import { BatchPage } from '../batches/BatchPage.tsx';
import { CatalogPage } from '../catalog/CatalogPage.tsx';
import { VersionsPage } from '../catalog/VersionsPage.tsx';
import { ChannelsPage } from '../channels/ChannelsPage.tsx';
import { CorrelationPage } from '../correlation/CorrelationPage.tsx';
import { CostsPage } from '../costs/CostsPage.tsx';
import { DeadLettersPage } from '../dead-letters/DeadLettersPage.tsx';
import { DeliveriesPage } from '../deliveries/DeliveriesPage.tsx';
import { JobDialogHost } from '../jobs/JobDialog.tsx';
import { JobsPage } from '../jobs/JobsPage.tsx';
import { useKeyState } from '../key.ts';
import { NotificationPage } from '../notifications/NotificationPage.tsx';
import { NotificationsPage } from '../notifications/NotificationsPage.tsx';
import { PreferencesPage } from '../preferences/PreferencesPage.tsx';
import { RejectedPage } from '../rejected/RejectedPage.tsx';
import { type ChannelsPart as Part, type Route, useRoute } from '../route.ts';
import { RoutesPage } from '../routes/RoutesPage.tsx';
import { SendingPage } from '../sending/SendingPage.tsx';
import { UserPage } from '../user/UserPage.tsx';
import { Announcements } from './announce.tsx';
import { EmptyState } from './EmptyState.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Header } from './Header.tsx';
import { LinkPage } from './LinkPage.tsx';
import { LoginPage } from './LoginPage.tsx';
import { pageKey, usePageChange } from './page-change.ts';

export function App() {
  const route = useRoute();
  usePageChange(route);
  return (
    <AppShell header={{ height: { base: 104, sm: 60 } }} padding="md">
      <Header page={route.page} />
      <AppShell.Main className="main">
        <Container size={1240} px={0} py="xs">
          <ErrorBoundary key={pageKey(route)}>
            <Content route={route} />
          </ErrorBoundary>
        </Container>
      </AppShell.Main>
      <JobDialogHost />
      <Announcements />
    </AppShell>
  );
}

/** The page of the route, or what is needed to see it. */
function Content({ route }: { route: Route }) {
  const keyState = useKeyState();
  if (route.page === 'login') {
    return route.link === null ? <LoginPage problem={route.problem} /> : <LinkPage link={route.link} />;
  }
  if (keyState === 'open') return <Page route={route} />;
  return <LoginPage problem={null} rejected={keyState === 'rejected'} />;
}

function Page({ route }: { route: Exclude<Route, { page: 'login' }> }) {
  switch (route.page) {
    case 'activity':
      return <ActivityPage />;
    case 'user':
      return <UserPage key={route.userId} userId={route.userId} eventId={route.eventId} />;
    case 'preferences':
      return <PreferencesPage key={route.userId} userId={route.userId} />;
    case 'notifications':
      return <NotificationsPage state={route.state} />;
    case 'notification':
      return <NotificationPage key={route.id} id={route.id} />;
    case 'batches':
      return <BatchesPage />;
    case 'batch':
      return <BatchPage key={route.id} id={route.id} state={route.state} />;
    case 'deliveries':
      return <DeliveriesPage status={route.status} />;
    case 'dead-letters':
      return <DeadLettersPage key={route.group} group={route.group} />;
    case 'channels':
      return <ChannelsPart part={route.part} />;
    case 'rejected':
      return <RejectedPage />;
    case 'jobs':
      return <JobsPage />;
    case 'catalog':
      return route.part === 'versions' ? <VersionsPage /> : <CatalogPage />;
    case 'correlation':
      return <CorrelationPage key={route.id} id={route.id} />;
    case 'unknown':
      return (
        <EmptyState title="Page not found" isPage>
          Choose a page from the menu above.
        </EmptyState>
      );
  }
}

function ChannelsPart({ part }: { part: Part }) {
  if (part === 'sending') return <SendingPage />;
  if (part === 'routes') return <RoutesPage />;
  return part === 'costs' ? <CostsPage /> : <ChannelsPage />;
}
