import { Anchor, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { ConnectorTask, ConnectorTaskPage } from '@tidings/client/types';
import { repeatAll } from '../../../../src/lib/repeat-all.ts';
import { getTasks, retryTasks } from '../api/connections.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToTasks, linkToUser, type TaskFilter } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconAlertOctagon, IconCheck, IconClock, IconRefresh } from '../shell/icons.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { useLivePages } from '../shell/live-pages.ts';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { RetryTaskButton } from './RetryTaskButton.tsx';

/** Tasks are in no topic. */
const POLL_MS = 10_000;

type State = ConnectorTask['state'];

const STATES: Record<State, Look> = {
  open: { label: t('Waiting'), color: 'blue', Icon: IconClock },
  done: { label: t('Done'), color: 'teal', Icon: IconCheck },
  dead: { label: t('Failed'), color: 'red', Icon: IconAlertOctagon },
};

const getId = ({ task_id: id }: ConnectorTask): string => id;

/** Tasks of connectors, open ones and those that ended, newest first. */
export function TaskList({ filter }: { filter: TaskFilter }) {
  const { connector, code } = filter;
  const state = (Object.keys(STATES) as State[]).find((one) => one === filter.state) ?? null;
  const choice = { state, connector, code };
  const list = useLivePages<ConnectorTaskPage, ConnectorTask>({
    key: ['connector-tasks', state, connector, code],
    load: (after) => getTasks(choice, after),
    mergePages: (pages) =>
      uniqueBy(
        pages.flatMap(({ tasks }) => tasks),
        getId,
      ),
    getId,
    topics: [],
    every: POLL_MS,
  });
  const of = [connector, code].filter((one) => one !== null).join(', ');
  return (
    <Stack gap="xs" component="section" aria-label={t('Tasks of connectors')}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {of === '' ? t('Tasks of connectors') : t('Tasks of connectors: {filter}', { filter: of })}
        </Title>
        {list.items?.some((task) => task.state === 'dead') && <RetryAllButton connector={connector} code={code} />}
      </Group>
      <nav className="filter" aria-label={t('State of tasks')}>
        <a href={linkToTasks({ connector, code })} aria-current={state === null || undefined}>
          {t('All')}
        </a>
        {(Object.keys(STATES) as State[]).map((one) => {
          const { Icon, label, color } = STATES[one];
          return (
            <a key={one} href={linkToTasks({ connector, code, state: one })} aria-current={one === state || undefined}>
              <Icon size={15} color={`var(--mantine-color-${color}-5)`} />
              {label}
            </a>
          );
        })}
        {of !== '' && <Anchor href={linkToTasks({ state })}>{t('Of all connectors')}</Anchor>}
      </nav>
      <LiveList
        list={list}
        height={80}
        empty={
          <EmptyState title={t('No tasks')}>
            {t('A task appears here when an event asks for an import, or a card is to be registered.')}
          </EmptyState>
        }
      >
        {(items) => (
          <Paper>
            <FactRows
              testId="tasks"
              items={items}
              getId={getId}
              columns={{
                [t('Created')]: ({ created_at: at }) => <Time value={at} />,
                [t('User')]: ({ user_id: userId }) => (
                  <a className="user-link" href={linkToUser(userId)} title={userId}>
                    {userId}
                  </a>
                ),
                [t('Connector')]: ({ connector: name, product_id: product }) => (
                  <>
                    <span className="name">{name}</span>
                    {product !== null && (
                      <Text size="xs" c="dimmed" className="break">
                        {product}
                      </Text>
                    )}
                  </>
                ),
                [t('State')]: (task) => <TaskState task={task} />,
                [t('Actions')]: (task) => (task.state === 'dead' ? <RetryTaskButton task={task} /> : null),
              }}
            />
          </Paper>
        )}
      </LiveList>
    </Stack>
  );
}

function TaskState({ task }: { task: ConnectorTask }) {
  const { state, code, reason, attempts, due_at: dueAt, ended_at: endedAt } = task;
  return (
    <>
      <StatusBadge look={STATES[state]} testId="task-state" />
      {code !== null && (
        <Text size="xs" c="dimmed" mt={4}>
          <span className="name">{code}</span>: {reason}{' '}
          {attempts > 0 && t('({attempts, plural, one {# attempt} other {# attempts}})', { attempts })}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={2}>
        <T
          text={state === 'open' ? 'due {time}' : 'ended {time}'}
          values={{ time: <Time value={endedAt ?? dueAt} /> }}
        />
      </Text>
    </>
  );
}

/** Button that runs all failed tasks again, also those that are not loaded. */
function RetryAllButton({ connector, code }: { readonly connector: string | null; readonly code: string | null }) {
  const queries = useQueryClient();
  const filter = [connector !== null && 'connector', code !== null && 'code'].filter(Boolean).join('_');
  return (
    <ConfirmButton
      needs="deliveries:write"
      label={t('Retry all failed')}
      leftSection={<IconRefresh size={14} />}
      act={async () => {
        const retried = await repeatAll(async (until) => {
          const part = await retryTasks({ connector, code }, until);
          return { ...part, count: part.retried, until: part.ended_until };
        });
        await Promise.all(
          [['connector-tasks'], ['connectors']].map((queryKey) => queries.invalidateQueries({ queryKey })),
        );
        return t('{retried, plural, one {# task is run again.} other {# tasks are run again.}}', { retried });
      }}
      testId="retry-all-tasks"
    >
      {t(
        '{filter, select, connector {All failed tasks of {connector}} code {All failed tasks that ended with {code}} connector_code {All failed tasks of {connector} that ended with {code}} other {All failed tasks}} are run again, with all of their attempts. Nothing is done twice.',
        { filter, connector, code },
      )}
    </ConfirmButton>
  );
}
