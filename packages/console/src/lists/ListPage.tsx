import { Anchor, Button, Group, Skeleton, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ChangedListMembers, List, ListMemberPage } from '@tidings/client/types';
import { useState } from 'react';
import { addMembers, deleteList, getList, getMembers, removeMembers } from '../api/lists.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToLists, linkToNewBatchFor, linkToUser, openLink } from '../route.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan } from '../shell/icons.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** As the API has it. */
const MAX_CHANGED = 10_000;

/** One list: its size and its members, who are added and removed. */
export function ListPage({ id }: { id: string }) {
  const list = useQuery({
    queryKey: ['lists', 'one', id],
    queryFn: () => getList(id),
    meta: { topics: ['settings'], every: PAGE_MS },
  });
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Anchor size="sm" href={linkToLists()}>
        {t('All lists and segments')}
      </Anchor>
      <PageTitle data-testid="list-title">{list.data?.name ?? t('List')}</PageTitle>
      {list.error && <ProblemView problem={list.error} retry={() => list.refetch()} />}
      {list.isPending && <Skeleton height={160} />}
      {list.data && <Content list={list.data} />}
    </Stack>
  );
}

function Content({ list }: { list: List }) {
  const can = useScopes();
  const { list_id: id, members, description, created_by: by, created_at: at } = list;
  return (
    <>
      {description !== null && (
        <Text size="sm" className="break">
          {description}
        </Text>
      )}
      <Text size="sm" data-testid="list-size">
        {t('{members, plural, one {# member} other {# members}}', { members })}
        <Text component="span" size="xs" c="dimmed">
          {' · '}
          <T text="created by {name}, {time}" values={{ name: by, time: <Time value={at} as="full" /> }} />
        </Text>
      </Text>
      <Group gap="xs">
        {can('batches:write') && (
          <Button component="a" href={linkToNewBatchFor('list', id)} size="xs" variant="default">
            {t('New batch for this list')}
          </Button>
        )}
        <ChangeMembers list={list} kind="add" />
        <ChangeMembers list={list} kind="remove" />
        <DeleteList list={list} />
      </Group>
      <FactTable<ListMemberPage, ListMemberPage['members'][number]>
        title={t('Members')}
        testId="members"
        of={id}
        load={(after) => getMembers(id, after)}
        getItems={(page) => page.members}
        getId={({ user_id: userId }) => userId}
        empty={t('The list has no members.')}
        columns={{
          [t('User')]: ({ user_id: userId }) => (
            <a className="user-link" href={linkToUser(userId)} title={userId}>
              {userId}
            </a>
          ),
          [t('Added')]: ({ added_at: added }) => <Time value={added} as="full" />,
          ...(can('lists:write') && {
            [t('Action')]: ({ user_id: userId }) => <RemoveMember id={id} userId={userId} />,
          }),
        }}
      />
    </>
  );
}

type Counts = Pick<ChangedListMembers, 'changed' | 'unchanged'>;
const KINDS = {
  add: {
    label: t('Add members'),
    call: addMembers,
    describe: (counts: Counts) =>
      t('{changed, number} added{unchanged, plural, =0 {} other {; # were members already}}.', { ...counts }),
  },
  remove: {
    label: t('Remove members'),
    call: removeMembers,
    describe: (counts: Counts) =>
      t('{changed, number} removed{unchanged, plural, =0 {} other {; # were no members}}.', { ...counts }),
  },
};

function ChangeMembers({ list: { list_id: id }, kind }: { list: List; kind: keyof typeof KINDS }) {
  const refresh = useRefresh();
  const [text, setText] = useState('');
  const { label, call, describe } = KINDS[kind];
  const userIds = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (
    <ConfirmButton
      needs="lists:write"
      label={label}
      isFilled={userIds.length > 0 && userIds.length <= MAX_CHANGED}
      act={async () => {
        const counts = await call(id, userIds);
        await refresh();
        setText('');
        return describe(counts);
      }}
      testId={`${kind}-members`}
    >
      <Textarea
        label={t('IDs of users, one a line')}
        description={t('At most {max, number}: {count, number} so far', { max: MAX_CHANGED, count: userIds.length })}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        autosize
        minRows={3}
        maxRows={12}
        data-testid="member-ids"
      />
    </ConfirmButton>
  );
}

function RemoveMember({ id, userId }: { id: string; userId: string }) {
  const refresh = useRefresh();
  const remove = useMutation({
    mutationFn: () => removeMembers(id, [userId]),
    onSuccess: async () => {
      announce(t('Removed: {user}.', { user: userId }));
      await refresh();
    },
    onError: (error) => announce(error.message),
  });
  return (
    <ActionButton
      needs="lists:write"
      action="remove"
      busy={remove.isPending}
      onClick={() => remove.mutate()}
      data-testid="remove-member"
    >
      {t('Remove')}
    </ActionButton>
  );
}

function DeleteList({ list: { list_id: id, name, members } }: { list: List }) {
  const refresh = useRefresh();
  return (
    <ConfirmButton
      needs="lists:write"
      label={t('Delete list')}
      leftSection={<IconBan size={14} />}
      color="red"
      typed={name}
      act={async () => {
        await deleteList(id);
        openLink(linkToLists());
        await refresh();
        return t('Deleted: {name}.', { name });
      }}
      testId="delete-list"
    >
      {t(
        'The list with its {members, number} members is deleted; the users stay. A batch that is still to read it gets no more lines.',
        { members },
      )}
    </ConfirmButton>
  );
}

function useRefresh(): () => Promise<unknown> {
  const queries = useQueryClient();
  return () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['lists'] }),
      queries.invalidateQueries({ queryKey: ['members'] }),
    ]);
}
