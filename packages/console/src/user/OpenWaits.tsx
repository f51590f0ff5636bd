import { Button, Text } from '@mantine/core';
import type { Wait } from '@tidings/client/types';
import { useState } from 'react';
import { t } from '../text/text.ts';
import { WaitRow } from './WaitRow.tsx';

/** Number of waits shown before "Show all". */
const INITIAL_WAITS = 20;

interface OpenWaitsProps {
  /** Open waits in order of due time. */
  waits: Wait[];
  /** True if more open waits exist that started earlier. */
  more: boolean;
  /** In milliseconds since 1970. */
  now: number;
  /** Zone of the user, an IANA name; null means UTC. */
  zone: string | null;
}

/** Pending waits: the first due ones, and a button that shows all. */
export function OpenWaits({ waits, more, now, zone }: OpenWaitsProps) {
  const [all, setAll] = useState(false);
  if (waits.length === 0) {
    return (
      <Text size="sm" c="dimmed" px="md" pb="xs">
        {t('No pending waits. A wait appears here when a rule starts one.')}
      </Text>
    );
  }
  const shown = all ? waits : waits.slice(0, INITIAL_WAITS);
  return (
    <>
      {shown.map((wait) => (
        <WaitRow key={wait.wait_id} wait={wait} now={now} zone={zone} />
      ))}
      {shown.length < waits.length && (
        <div className="wait">
          <Button size="xs" variant="default" fullWidth onClick={() => setAll(true)} data-testid="all-waits">
            {t('Show all {count, number}', { count: waits.length })}
          </Button>
        </div>
      )}
      {more && shown.length === waits.length && (
        <Text size="sm" c="dimmed" className="wait">
          {t('More pending waits exist that started earlier.')}
        </Text>
      )}
    </>
  );
}
