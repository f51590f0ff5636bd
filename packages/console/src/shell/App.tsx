import { AppShell, Container } from '@mantine/core';
import { ActivityPage } from '../activity/ActivityPage.tsx';
import { CatalogPage } from '../catalog/CatalogPage.tsx';
import { VersionsPage } from '../catalog/VersionsPage.tsx';
import { DeliveriesPage } from '../deliveries/DeliveriesPage.tsx';
import { JobDialogHost } from '../jobs/JobDialog.tsx';
import { JobsPage } from '../jobs/JobsPage.tsx';
import { useKeyState } from '../key.ts';
import { RejectedPage } from '../rejected/RejectedPage.tsx';
import { type Route, useRoute } from '../route.ts';
import { UserPage } from '../user/UserPage.tsx';
import { Announcements } from './announce.tsx';
import { EmptyState } from './EmptyState.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Header } from './Header.tsx';
import { KeyForm } from './KeyForm.tsx';
import { pageKey, usePageChange } from './page-change.ts';

export function App() {
  const route = useRoute();
  const keyState = useKeyState();
  usePageChange(route);
  return (
    <AppShell header={{ height: { base: 104, sm: 60 } }} padding="md">
      <Header page={route.page} />
      <AppShell.Main className="main">
        <Container size={1240} px={0} py="xs">
          <ErrorBoundary key={pageKey(route)}>
            {keyState === 'open' ? <Page route={route} /> : <KeyForm rejected={keyState === 'rejected'} />}
          </ErrorBoundary>
        </Container>
      </AppShell.Main>
      <JobDialogHost />
      <Announcements />
    </AppShell>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'activity':
      return <ActivityPage />;
    case 'user':
      return <UserPage key={route.userId} userId={route.userId} eventId={route.eventId} />;
    case 'deliveries':
      return <DeliveriesPage status={route.status} />;
    case 'rejected':
      return <RejectedPage />;
    case 'jobs':
      return <JobsPage />;
    case 'catalog':
      return route.part === 'versions' ? <VersionsPage /> : <CatalogPage />;
    case 'unknown':
      return (
        <EmptyState title="Page not found" isPage>
          Choose a page from the menu above.
        </EmptyState>
      );
  }
}
