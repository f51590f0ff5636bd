import { Text } from '@mantine/core';
import type { Preferences } from '@tidings/client/types';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatWeekday } from './weekday.ts';

/** Quiet hours and digest time of a user, and who said so. */
export function UserTimes({ preferences }: { preferences: Preferences }) {
  const { quiet_hours: quiet, digest_time: digest, catalog_version: version } = preferences;
  return (
    <dl className="fields words" data-testid="user-times">
      <dt>{t('Quiet hours')}</dt>
      <dd>{quiet === null ? t('none') : <By words={quiet.hours} by={quiet.decided_by} />}</dd>
      <dt>{t('Digests')}</dt>
      <dd>
        <By
          words={t('{at} {zone}, weekly ones on {day}', {
            at: digest.at,
            zone: digest.zone,
            day: formatWeekday(digest.day),
          })}
          by={digest.decided_by}
        />
      </dd>
      <dt>{t('Policy')}</dt>
      <dd>{t('catalog version {version}', { version })}</dd>
    </dl>
  );
}

function By({ words, by: { level, since } }: { words: string; by: { level: string; since: string | null } }) {
  return (
    <>
      {words}{' '}
      <Text component="span" size="xs" c="dimmed">
        {since === null ? (
          `(${level})`
        ) : (
          <T text="({level} since {time})" values={{ level, time: <Time value={since} as="full" /> }} />
        )}
      </Text>
    </>
  );
}
