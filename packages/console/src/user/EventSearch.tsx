import { Alert, Button, Group, Loader, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { LivePages } from '../shell/live-pages.ts';

interface EventSearchProps {
  /** Entries looked through so far. */
  seen: number;
  older: LivePages<unknown, unknown>['older'];
  failed: boolean;
}

/** Loads older pages until the event is there that a link points at; shown as long as it is not. */
export function EventSearch({ seen, older, failed }: EventSearchProps) {
  const [stopped, setStopped] = useState(false);
  const { exist, loading, load } = older;
  const going = exist && !stopped && !failed;
  useEffect(() => {
    if (going && !loading) load();
  }, [going, loading, load]);
  return (
    <Alert mb="md" variant="light" role="status" data-testid="event-search">
      <Group gap="sm">
        {going && <Loader size="xs" aria-hidden="true" />}
        <Text size="sm" flex={1}>
          {words(exist, going, seen)}
        </Text>
        {exist && (
          <Button size="xs" variant="default" onClick={() => (going ? setStopped(true) : restart())}>
            {going ? 'Stop' : 'Go on looking'}
          </Button>
        )}
      </Group>
    </Alert>
  );

  function restart(): void {
    setStopped(false);
    load();
  }
}

function words(exist: boolean, going: boolean, seen: number): string {
  if (!exist) return 'The event this link points at is not known here.';
  if (going) return `Looking for the event this link points at: not among the latest ${seen} …`;
  return `The event this link points at is not among the latest ${seen}.`;
}
