import { Anchor, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { List } from '@tidings/client/types';
import { useState } from 'react';
import { createList, getLists, getSegments } from '../api/lists.ts';
import { FactRows, FactTable } from '../channels/FactTable.tsx';
import { linkToList, linkToSegment, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { formatCount, t } from '../text/text.ts';

/** Page of named sets of users: lists, whose members are chosen, and segments, whose users meet a condition. */
export function ListsPage() {
  return (
    <Stack gap="xl">
      <Stack gap="md">
        <PageTitle>{t('Lists and segments')}</PageTitle>
        <div>
          <NewList />
        </div>
      </Stack>
      <FactTable
        title={t('Lists')}
        testId="lists"
        load={getLists}
        getItems={({ lists }) => lists}
        getId={({ list_id: id }) => id}
        empty={t('No list yet. Its members get a batch together, and rules ask whether a user is in it.')}
        columns={{
          [t('Name')]: ({ list_id: id, name, description }: List) => (
            <>
              <Anchor size="sm" fw={600} className="break" href={linkToList(id)} data-testid="list-link">
                {name}
              </Anchor>
              {description !== null && (
                <Text size="xs" c="dimmed" className="break">
                  {description}
                </Text>
              )}
            </>
          ),
          [t('Members')]: ({ members }) => formatCount(members),
          [t('Changed')]: ({ updated_at: at }) => <Time value={at} />,
          [t('Created by')]: ({ created_by: by }) => <span className="break">{by}</span>,
        }}
      />
      <Segments />
    </Stack>
  );
}

function Segments() {
  const segments = useQuery({ queryKey: ['segments'], queryFn: getSegments });
  return (
    <Stack gap="xs" component="section" aria-label={t('Segments')}>
      <Title order={2} size="h4">
        {t('Segments')}
      </Title>
      {segments.error && <ProblemView problem={segments.error} retry={() => segments.refetch()} />}
      {segments.data?.segments.length === 0 && (
        <Text size="sm" c="dimmed" data-testid="segments-empty">
          {t('The catalog has no segments.yaml, in which conditions over profiles are named.')}
        </Text>
      )}
      {segments.data !== undefined && segments.data.segments.length > 0 && (
        <FactRows
          testId="segments"
          items={segments.data.segments}
          getId={({ name }) => name}
          columns={{
            [t('Name')]: ({ name, description }) => (
              <>
                <Anchor className="name" href={linkToSegment(name)} data-testid="segment-link">
                  {name}
                </Anchor>
                {description !== null && (
                  <Text size="xs" c="dimmed" className="break">
                    {description}
                  </Text>
                )}
              </>
            ),
            [t('Condition')]: ({ condition }) => <code className="break">{condition}</code>,
            [t('Rules')]: ({ rules }) => (rules.length === 0 ? t('of none') : rules.join(', ')),
          }}
        />
      )}
    </Stack>
  );
}

function NewList() {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  return (
    <ConfirmButton
      needs="lists:write"
      label={t('New list')}
      isFilled={name.trim() !== ''}
      act={async () => {
        const made = await createList({
          name: name.trim(),
          ...(description.trim() !== '' && { description: description.trim() }),
        });
        await queries.invalidateQueries({ queryKey: ['lists'] });
        openLink(linkToList(made.list_id));
        return t('Created: {name}.', { name: made.name });
      }}
      testId="new-list"
    >
      <TextInput
        label={t('Name')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-testid="list-name"
      />
      <TextInput
        label={t('Description')}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autoComplete="off"
      />
    </ConfirmButton>
  );
}
