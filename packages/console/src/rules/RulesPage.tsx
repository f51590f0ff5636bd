import { Group, Paper, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getCatalog } from '../api/catalog.ts';
import type { CatalogRule } from '../api/types.ts';
import { linkToRule, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconAlert, IconSearch, IconWand } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { listTypes } from '../shell/rule-parts.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { DraftBar } from './DraftBar.tsx';
import { addRule, type Draft, useDraft } from './draft.ts';

/** The rules of the active catalog, with a search, and those that are only in the draft. */
export function RulesPage() {
  const catalog = useQuery({
    queryKey: ['catalog'],
    queryFn: getCatalog,
    meta: { topics: ['catalog', 'releases'], every: 30_000 },
  });
  const draft = useDraft();
  const [searched, setSearched] = useState('');
  const rules = catalog.data?.rules ?? [];
  const wanted = searched.trim().toLowerCase();
  const found = rules.filter((rule) => toWords(rule).includes(wanted));
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <PageTitle>{t('Rules')}</PageTitle>
        {draft && <NewRule draft={draft} events={(catalog.data?.events ?? []).map(({ name }) => name)} taken={rules} />}
      </Group>
      {draft && <DraftBar draft={draft} />}
      {catalog.error && <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={320} />}
      {catalog.data && (
        <>
          <TextInput
            label={t('Search')}
            description={t('In names, events and notification types')}
            leftSection={<IconSearch size={16} />}
            value={searched}
            onChange={(event) => setSearched(event.currentTarget.value)}
            autoComplete="off"
            data-testid="rule-search"
          />
          <Text size="sm" c="dimmed" role="status" data-testid="rules-found">
            {t('{found, number} of {all, plural, one {# rule} other {# rules}}', {
              found: found.length,
              all: rules.length,
            })}
          </Text>
          {found.length > 0 && (
            <Paper withBorder className="rows">
              {found.map((rule) => (
                <RuleRow key={rule.name} rule={rule} />
              ))}
            </Paper>
          )}
        </>
      )}
    </Stack>
  );
}

const toWords = (rule: CatalogRule): string => [rule.name, ...rule.on, ...listTypes(rule)].join(' ').toLowerCase();

function RuleRow({ rule }: { rule: CatalogRule }) {
  const types = listTypes(rule);
  return (
    <div className="row rule-row" data-testid="rules-row">
      <a className="name" href={linkToRule(rule.name)}>
        {rule.name}
      </a>
      <Text component="span" size="sm" className="break">
        {rule.every
          ? t('by a schedule')
          : rule.on.length > 0
            ? t('on {events}', { events: rule.on.join(', ') })
            : t('on a change of a trait')}
      </Text>
      <Text component="span" size="sm" c="dimmed" className="break">
        {types.length === 0
          ? t('sends nothing')
          : types.filter((type) => type !== rule.name).join(', ') || t('sends its own type')}
      </Text>
    </div>
  );
}

/** Button that adds a rule to the draft, and opens it. */
function NewRule({ draft, events, taken }: { draft: Draft; events: readonly string[]; taken: readonly CatalogRule[] }) {
  const [name, setName] = useState('');
  const [event, setEvent] = useState('');
  const isTaken = taken.some((rule) => rule.name === name.trim());
  const isFilled = /^[A-Za-z][\w-]*$/.test(name.trim()) && event.trim() !== '' && !isTaken;
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('New rule')}
      leftSection={<IconWand size={14} />}
      isFilled={isFilled}
      act={async () => {
        addRule(draft, name.trim(), event.trim());
        openLink(linkToRule(name.trim()));
        return t('{rule} is in the draft.', { rule: name.trim() });
      }}
      testId="new-rule"
    >
      <Stack gap="sm">
        <TextInput
          label={t('Name')}
          description={t('A rule sends the notification type of its own name, unless it says another')}
          value={name}
          onChange={(change) => setName(change.currentTarget.value)}
          error={isTaken && t('There is a rule of this name.')}
          autoComplete="off"
          data-testid="new-rule-name"
        />
        <TextInput
          label={t('Event that triggers it')}
          value={event}
          onChange={(change) => setEvent(change.currentTarget.value)}
          list="rule-events"
          autoComplete="off"
          data-testid="new-rule-event"
        />
        <datalist id="rule-events">
          {events.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </Stack>
    </ConfirmButton>
  );
}

/** Shown where a catalog has no files to edit. */
export function NoFiles() {
  return (
    <Paper withBorder p="md" data-testid="no-files">
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <IconAlert size={18} />
        <Text size="sm">
          <T
            text="The files of this version are not kept, so they cannot be edited here. Apply the catalog once more, with {command} or by its directory."
            values={{ command: <span className="name">tidings apply DIR</span> }}
          />
        </Text>
      </Group>
    </Paper>
  );
}
