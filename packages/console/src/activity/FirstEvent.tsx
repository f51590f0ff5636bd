import { Code, Paper, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JsonObject } from '@tidings/client/types';
import { buildSampleEvent } from '../../../../src/catalog/sample-event.ts';
import { getCatalog } from '../api/catalog.ts';
import { CopyButton } from '../shell/CopyButton.tsx';
import { EmptyState } from '../shell/EmptyState.tsx';
import { t } from '../text/text.ts';

/** Empty state of the activity page: a command that posts a first event. */
export function FirstEvent() {
  const catalog = useQuery({
    queryKey: ['catalog', 'first event'],
    queryFn: async () =>
      buildCurlCommand(location.origin, buildSampleEvent(await getCatalog(), Date.now())?.event ?? buildPlainEvent()),
    // Loaded once, because a command that changes while a user selects it cannot be copied.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const command = catalog.data ?? (catalog.error ? buildCurlCommand(location.origin, buildPlainEvent()) : undefined);
  return (
    <Paper withBorder p="md">
      <EmptyState title={t('No events yet')}>
        {t('Post an event. It appears here with the decisions on it.')}
      </EmptyState>
      {command === undefined ? <Skeleton height={200} /> : <Command command={command} />}
    </Paper>
  );
}

function Command({ command }: { command: string }) {
  return (
    <Stack align="center" gap="sm" pb="lg">
      <Code block className="curl" data-testid="first-curl">
        {command}
      </Code>
      <CopyButton label={t('Copy')} getText={() => command} said={t('Copied')} testId="copy-first-event" />
    </Stack>
  );
}

/** Builds an event for the case that the catalog has no suitable one, or cannot be loaded. */
function buildPlainEvent(): JsonObject {
  return {
    user_id: 'u_1',
    event_type: 'signup_completed',
    event_timestamp: new Date().toISOString(),
    properties: {},
    user_traits: { email: 'maria@example.com', marketing_opt_in: true },
  };
}

function buildCurlCommand(origin: string, event: JsonObject): string {
  const quoted = JSON.stringify(event, null, 2).replaceAll("'", "'\\''");
  return `curl ${origin}/api/v1/events -H 'content-type: application/json' -d '${quoted}'`;
}
