import { Text } from '@mantine/core';
import type { Preferences } from '@tidings/client/types';
import { Time } from '../shell/Time.tsx';

/** Quiet hours and digest time of a user, and who said so. */
export function UserTimes({ preferences }: { preferences: Preferences }) {
  const { quiet_hours: quiet, digest_time: digest, catalog_version: version } = preferences;
  return (
    <dl className="fields words" data-testid="user-times">
      <dt>Quiet hours</dt>
      <dd>{quiet === null ? 'none' : <By words={quiet.hours} by={quiet.decided_by} />}</dd>
      <dt>Digests</dt>
      <dd>
        <By words={`${digest.at} ${digest.zone}, weekly ones on ${capitalize(digest.day)}`} by={digest.decided_by} />
      </dd>
      <dt>Policy</dt>
      <dd>catalog version {version}</dd>
    </dl>
  );
}

function By({ words, by: { level, since } }: { words: string; by: { level: string; since: string | null } }) {
  return (
    <>
      {words}{' '}
      <Text component="span" size="xs" c="dimmed">
        ({level}
        {since !== null && (
          <>
            {' since '}
            <Time value={since} as="full" />
          </>
        )}
        )
      </Text>
    </>
  );
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
