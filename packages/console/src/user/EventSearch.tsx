import { Alert, Button, Group, Loader, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { LivePages } from '../shell/live-pages.ts';
import { t } from '../text/text.ts';

interface EventSearchProps {
  /** Number of entries searched so far. */
  seen: number;
  older: LivePages<unknown, unknown>['older'];
  failed: boolean;
}

/** Loads older pages until they contain the event that a link names. Rendered only while it is missing. */
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
            {going ? t('Stop') : t('Continue')}
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
  if (!exist) return t('The event in this link was not found.');
  if (going) return t('Searching for the event in this link: not among the latest {seen, number} …', { seen });
  return t('The event in this link is not among the latest {seen, number}.', { seen });
}
