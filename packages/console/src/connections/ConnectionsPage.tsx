import { Stack } from '@mantine/core';
import type { TaskFilter } from '../route.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { ConnectorsTable } from './ConnectorsTable.tsx';
import { SinksTable } from './SinksTable.tsx';
import { SourcesTable } from './SourcesTable.tsx';
import { TaskList } from './TaskList.tsx';

/** Connections to other services: topics that are read and written, and connectors with what they have to do. */
export function ConnectionsPage({ tasks }: { tasks: TaskFilter }) {
  const container = useKeptFocus();
  return (
    <Stack gap="xl" ref={container}>
      <PageTitle>{t('Connections')}</PageTitle>
      <SourcesTable />
      <SinksTable />
      <ConnectorsTable />
      <TaskList filter={tasks} />
    </Stack>
  );
}
