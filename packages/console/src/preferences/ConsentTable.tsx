import { Text } from '@mantine/core';
import type { Consent } from '@tidings/client/types';
import { getConsents } from '../api/users.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { IconBan, IconCheck, IconClock } from '../shell/icons.tsx';
import { getLook, type Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

export const CONSENT_STATES: Record<Consent['state'], Look> = {
  granted: { label: t('Granted'), color: 'teal', Icon: IconCheck },
  withdrawn: { label: t('Withdrawn'), color: 'orange', Icon: IconBan },
  pending: { label: t('Not confirmed yet'), color: 'gray', Icon: IconClock },
};

const TOPICS = ['events'];

/** The consents of a user as they were recorded, the last one first. */
export function ConsentTable({ userId }: { userId: string }) {
  return (
    <FactTable
      title={t('Consent')}
      testId="consents"
      of={userId}
      topics={TOPICS}
      load={(after) => getConsents(userId, after)}
      getItems={({ consents }) => consents}
      getId={({ consent_id }) => consent_id}
      empty={t('Nothing was recorded: the user neither gave nor withdrew consent.')}
      columns={{
        [t('For')]: ({ purpose, channel }) => (
          <T text="{purpose} by {channel}" values={{ purpose: <span className="name">{purpose}</span>, channel }} />
        ),
        [t('State')]: ({ state }) => <StatusBadge look={getLook(CONSENT_STATES, state)} testId="consent-state" />,
        [t('Said')]: ({ at }) => <Time value={at} as="full" />,
        [t('Address')]: ({ address }) => address ?? t('of no address'),
        [t('From')]: (consent) => <Origin consent={consent} />,
        [t('Recorded')]: ({ recorded_by, recorded_at }) => (
          <>
            <Time value={recorded_at} />
            <Text size="xs" c="dimmed" className="break">
              {recorded_by}
            </Text>
          </>
        ),
      }}
    />
  );
}

function Origin({ consent: { source, method, wording_version: wording, locale, evidence } }: { consent: Consent }) {
  const more = [method, wording, locale].filter((one) => one !== null);
  return (
    <>
      {source ?? t('unknown')}
      {more.length > 0 && (
        <Text size="xs" c="dimmed" className="break">
          {more.join(', ')}
        </Text>
      )}
      {evidence !== null && (
        <Disclosure label={t('Evidence')} testId="consent-evidence">
          <Fields values={evidence} />
        </Disclosure>
      )}
    </>
  );
}
