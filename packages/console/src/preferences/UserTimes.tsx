import { Text } from '@mantine/core';
import type { Preferences } from '@tidings/client/types';
import { formatLevel } from '../shell/level-words.ts';
import { Time } from '../shell/Time.tsx';
import { formatWeekday } from '../shell/weekday.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** Quiet hours and digest time of a user, and who said so. */
export function UserTimes({ preferences }: { preferences: Preferences }) {
  const { quiet_hours: quiet, digest_time: digest, catalog_version: version } = preferences;
  return (
    <dl className="fields words" data-testid="user-times">
      <dt>{t('Quiet hours')}</dt>
      <dd>{quiet === null ? t('none') : <By words={formatHours(quiet.hours)} by={quiet.decided_by} />}</dd>
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
          `(${formatLevel(level)})`
        ) : (
          <T
            text="({level} since {time})"
            values={{ level: formatLevel(level), time: <Time value={since} as="full" /> }}
          />
        )}
      </Text>
    </>
  );
}

/** Origins of the zone of hours, as the API says them. */
const ZONES: Readonly<Record<string, string>> = {
  'zone of the user': t('zone of the user'),
  'zone of the quiet hours': t('zone of the quiet hours'),
  'zone of the tenant: that of the user is not known': t('zone of the tenant: that of the user is not known'),
};

/** Returns `22:00-08:00 Europe/Berlin (zone of the user)` with the origin of the zone in the language of the page. */
function formatHours(hours: string): string {
  return hours.replace(/\(([^()]+)\)$/, (all, of: string) => (ZONES[of] === undefined ? all : `(${ZONES[of]})`));
}
