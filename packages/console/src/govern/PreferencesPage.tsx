import { Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ChosenCount, PreferenceOverview, TypePolicy } from '@tidings/client/types';
import { getPreferenceOverview } from '../api/policy.ts';
import type { Channel } from '../api/types.ts';
import { ChannelTable, listChannelsOf, NoTypes } from '../preferences/ChannelTable.tsx';
import { linkToChannels, linkToType } from '../route.ts';
import { IconBan, IconCheck, IconLock } from '../shell/icons.tsx';
import { formatLevel } from '../shell/level-words.ts';
import { PAGE_MS } from '../shell/live-pages.ts';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { toReasonWords } from '../shell/reason-words.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { ConsentLedger } from './ConsentLedger.tsx';
import { PolicyRules } from './PolicyRules.tsx';

const ON: Look = { label: t('On'), color: 'teal', Icon: IconCheck };
const OFF: Look = { label: t('Off'), color: 'gray', Icon: IconBan };

/** The preferences of users who have said nothing, with what they may change and how many did; the rules of time; and the ledger of consent. */
export function PreferencesPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['preference-overview'],
    queryFn: getPreferenceOverview,
    // Users change their preferences by events.
    meta: { topics: ['events', 'catalog'], every: 15 * PAGE_MS },
  });
  return (
    <Stack gap="lg">
      <PageTitle>{t('Preferences and consent')}</PageTitle>
      {error && <ProblemView problem={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={320} />}
      {data && (
        <>
          <Text size="sm" c="dimmed" data-testid="preference-users">
            <T
              text="What goes to users who have said nothing, by version {version} of the catalog. {hasMore, select, true {More than {count, plural, one {# user} other {# users}}} other {{count, plural, =0 {No user} one {# user} other {# users}}}} chose something else: the numbers say how many turned it off or on. Who gets nothing at an address stands under {link}."
              values={{
                version: data.catalog_version,
                hasMore: data.users.has_more,
                count: data.users.counted,
                link: <a href={linkToChannels('suppressions')}>{t('Suppressions')}</a>,
              }}
            />
          </Text>
          <Matrix overview={data} />
          <PolicyRules overview={data} />
        </>
      )}
      <ConsentLedger />
    </Stack>
  );
}

function Matrix({ overview }: { overview: PreferenceOverview }) {
  const { types, categories, everything, users } = overview;
  const channels = listChannelsOf(types);
  if (types.length === 0) {
    return <NoTypes />;
  }
  return (
    <Stack gap="xs" component="section" aria-label={t('By default')}>
      <Title order={2} size="h4">
        {t('By default')}
      </Title>
      <ChannelTable channels={channels} testId="policy">
        <ScopeRow
          name={t('All messages')}
          chosen={everything.chosen}
          ofChannels={everything.channels}
          channels={channels}
          hasMore={users.has_more}
        />
        {categories.map(({ category, chosen, channels: ofChannels }) => (
          <Category
            key={category}
            name={category}
            chosen={chosen}
            ofChannels={ofChannels}
            types={types.filter((type) => type.category === category)}
            channels={channels}
            hasMore={users.has_more}
          />
        ))}
      </ChannelTable>
    </Stack>
  );
}

interface ScopeProps {
  readonly name: string;
  readonly chosen: ChosenCount;
  readonly ofChannels: { readonly [channel: string]: ChosenCount };
  readonly channels: readonly Channel[];
  readonly hasMore: boolean;
}

/** A category, or all messages: what users said of it, and of its channels. */
function ScopeRow({ name, chosen, ofChannels, channels, hasMore }: ScopeProps) {
  return (
    <Table.Tr data-row data-testid="policy-scope">
      <Table.Th scope="row">
        <span className="name">{name}</span>
        <Chosen chosen={chosen} hasMore={hasMore} />
      </Table.Th>
      {channels.map((channel) => (
        <Table.Td key={channel} data-heading={CHANNELS[channel].label}>
          {ofChannels[channel] ? <Chosen chosen={ofChannels[channel]} hasMore={hasMore} /> : '–'}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Category({ types, ...scope }: ScopeProps & { readonly types: readonly TypePolicy[] }) {
  const { channels, hasMore } = scope;
  return (
    <>
      <ScopeRow {...scope} />
      {types.map(({ type, frequency, chosen, channels: cells }) => (
        <Table.Tr key={type} data-row data-testid="policy-type" data-type={type}>
          <Table.Th scope="row">
            <a className="name" href={linkToType(type)}>
              {type}
            </a>
            {frequency !== 'IMMEDIATE' && (
              <Text size="xs" c="dimmed" fw={400}>
                {frequency}
              </Text>
            )}
            <Chosen chosen={chosen} hasMore={hasMore} />
          </Table.Th>
          {channels.map((channel) => (
            <Table.Td
              key={channel}
              data-heading={CHANNELS[channel].label}
              {...(cells[channel] === undefined && { className: 'no-cell' })}
            >
              {cells[channel] === undefined ? '–' : <Cell cell={cells[channel]} hasMore={hasMore} />}
            </Table.Td>
          ))}
        </Table.Tr>
      ))}
    </>
  );
}

function Cell({ cell, hasMore }: { cell: NonNullable<TypePolicy['channels'][string]>; hasMore: boolean }) {
  const { on, changeable, decided_by: by, chosen } = cell;
  return (
    <div className="preference-cell">
      <span className="preference-head">
        <StatusBadge look={on ? ON : OFF} testId="policy-state" />
        {!changeable && <IconLock size={15} className="quiet" label={t('Users cannot change it')} />}
      </span>
      <Text size="xs" className="break">
        {toReasonWords(by.code)}
      </Text>
      <Text size="xs" c="dimmed" className="break">
        {formatLevel(by.level)}
      </Text>
      <Chosen chosen={chosen} hasMore={hasMore} />
    </div>
  );
}

/** Numbers of users who said so; nothing if none did. */
function Chosen({ chosen: { off, on }, hasMore }: { chosen: ChosenCount; hasMore: boolean }) {
  if (off === 0 && on === 0) return null;
  return (
    <Text size="xs" fw={400} data-testid="chosen">
      {off > 0 && t('{count}{hasMore, select, true {+} other {}} off', { count: formatCount(off), hasMore })}
      {off > 0 && on > 0 && ' · '}
      {on > 0 && t('{count}{hasMore, select, true {+} other {}} on', { count: formatCount(on), hasMore })}
    </Text>
  );
}
