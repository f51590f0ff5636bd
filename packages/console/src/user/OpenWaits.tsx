import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import type { Wait } from '../api.ts';
import { WaitRow } from './WaitRow.tsx';

/** Shown before one asks for all. */
const INITIAL_WAITS = 3;

interface OpenWaitsProps {
  /** Open waits in order of due time. */
  waits: Wait[];
  /** There are others, begun earlier. */
  more: boolean;
  /** In milliseconds since 1970. */
  now: number;
  /** Zone of the user. */
  zone: string | null;
}

/** Pending waits: those due first, and the others on demand. */
export function OpenWaits({ waits, more, now, zone }: OpenWaitsProps) {
  const [all, setAll] = useState(false);
  if (waits.length === 0) {
    return (
      <Text size="sm" c="dimmed" px="md" pb="xs">
        No rule waits for this user now.
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
            Show all {waits.length}
          </Button>
        </div>
      )}
      {more && shown.length === waits.length && (
        <Text size="sm" c="dimmed" className="wait">
          And more, begun earlier than these.
        </Text>
      )}
    </>
  );
}
