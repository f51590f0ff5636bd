import { Anchor, Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import type { ConsentOfUser, LatestConsentPage } from '@tidings/client/types';
import { getLatestConsents } from '../api/policy.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { CONSENT_STATES } from '../preferences/ConsentTable.tsx';
import { linkToUserTab, setParameter, useParameter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { CHANNELS, getLook } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const CATEGORIES = ['TRANSACTIONAL', 'MARKETING', 'SYSTEM', 'SECURITY', 'OPERATIONAL'];
const getId = ({ consent_id: id }: ConsentOfUser): string => id;
const mergePages = (pages: readonly LatestConsentPage[]): ConsentOfUser[] =>
  uniqueBy(
    pages.flatMap(({ consents }) => consents),
    getId,
  );

/** Lists consents of all users, the last one first: by purpose, channel and state, which stand in the address. */
export function ConsentLedger() {
  const [purpose] = useParameter('purpose');
  const [channel] = useParameter('channel');
  const [state] = useParameter('state');
  const list = useLivePages<LatestConsentPage, ConsentOfUser>({
    key: ['consents', 'latest', purpose, channel, state],
    load: (after) => getLatestConsents({ purpose, channel, state }, after),
    mergePages,
    getId,
    topics: ['events'],
    every: 2 * PAGE_MS,
  });
  const isFiltered = purpose !== null || channel !== null || state !== null;
  return (
    <Stack gap="xs" component="section" aria-label={t('Consent ledger')}>
      <Title order={2} size="h4">
        {t('Consent ledger')}
      </Title>
      <Group gap="sm">
        <Choice label={t('Purpose')} name="purpose" value={purpose} options={CATEGORIES.map((one) => [one, one])} />
        <Choice
          label={t('Channel')}
          name="channel"
          value={channel}
          options={Object.entries(CHANNELS).map(([name, look]) => [name, look.label])}
        />
        <Choice
          label={t('State')}
          name="state"
          value={state}
          options={Object.entries(CONSENT_STATES).map(([name, look]) => [name, look.label])}
        />
      </Group>
      <LiveList
        list={list}
        height={80}
        empty={
          <EmptyState title={isFiltered ? t('No consent matches') : t('No consent was recorded')}>
            {isFiltered
              ? t('Choose another purpose, channel or state.')
              : t('What users say about consent appears here, and on their own page with its evidence.')}
          </EmptyState>
        }
      >
        {(items) => (
          <Paper>
            <FactRows
              testId="ledger"
              items={items}
              getId={getId}
              columns={{
                [t('User')]: ({ user_id: userId }) => (
                  <Anchor className="break" size="sm" href={linkToUserTab(userId, 'preferences')}>
                    {userId}
                  </Anchor>
                ),
                [t('For')]: ({ purpose: category, channel: name }) => (
                  <T
                    text="{purpose} by {channel}"
                    values={{ purpose: <span className="name">{category}</span>, channel: name }}
                  />
                ),
                [t('State')]: (one) => <StatusBadge look={getLook(CONSENT_STATES, one.state)} testId="ledger-said" />,
                [t('Said')]: ({ at }) => <Time value={at} as="full" />,
                [t('From')]: ({ source, wording_version: wording, recorded_by: by }) => (
                  <>
                    {source ?? t('unknown')}
                    <Text size="xs" c="dimmed" className="break">
                      {[wording, by].filter((one) => one !== null).join(', ')}
                    </Text>
                  </>
                ),
              }}
            />
          </Paper>
        )}
      </LiveList>
    </Stack>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: string | null;
  readonly options: readonly (readonly [value: string, label: string])[];
}

function Choice({ label, name, value, options }: ChoiceProps) {
  return (
    <NativeSelect
      size="xs"
      label={label}
      value={value ?? ''}
      onChange={(event) => setParameter(name, event.currentTarget.value || null)}
      data={[{ value: '', label: t('All') }, ...options.map(([one, text]) => ({ value: one, label: text }))]}
      data-testid={`ledger-${name}`}
    />
  );
}
