import { Paper, Table, Text, VisuallyHidden } from '@mantine/core';
import type { Wait } from '@tidings/client/types';
import { linkToUser, linkToWaiting } from '../route.ts';
import { SET_ASIDE, WAITS } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { VirtualRows } from '../shell/VirtualRows.tsx';
import { getWaitLabel } from '../shell/wait-kinds.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CancelWaitButton } from '../user/CancelWaitButton.tsx';
import { RetryWaitButton } from '../user/RetryWaitButton.tsx';

const ROW_HEIGHT = 64;
const COLUMNS = 6;
const getId = (wait: Wait): string => wait.wait_id;

/** Table of pending waits, with their buttons. */
export function WaitTable({ waits }: { waits: readonly Wait[] }) {
  return (
    <Paper withBorder>
      <Table
        verticalSpacing="sm"
        horizontalSpacing="md"
        highlightOnHover
        className="deliveries"
        aria-rowcount={waits.length + 1}
        data-testid="waits"
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('Due')}</Table.Th>
            <Table.Th>{t('User')}</Table.Th>
            <Table.Th>{t('Rule')}</Table.Th>
            <Table.Th>{t('Waits for')}</Table.Th>
            <Table.Th>{t('Since')}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{t('Actions')}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <VirtualRows items={waits} getId={getId} height={ROW_HEIGHT} columns={COLUMNS}>
          {(wait, place) => (
            <Table.Tr key={wait.wait_id} {...place} data-row data-testid="wait-row" data-rule={wait.rule}>
              <Table.Td>
                <Time value={wait.due_at} as="full" />
                <br />
                <StatusBadge look={wait.failure?.set_aside_at ? SET_ASIDE : WAITS.waiting} />
              </Table.Td>
              <Table.Td>
                <a className="user-link" href={linkToUser(wait.user_id)}>
                  {wait.user_id}
                </a>
              </Table.Td>
              <Table.Td>
                <a className="name" href={linkToWaiting({ rule: wait.rule })}>
                  {wait.rule}
                </a>
                <Text size="xs" c="dimmed">
                  {t('version {version}', { version: wait.catalog_version })}
                </Text>
              </Table.Td>
              <Table.Td>
                {getWaitLabel(wait.kind)}
                {wait.key !== null && (
                  <Text size="xs" c="dimmed" className="break">
                    <T text="key {key}" values={{ key: <span className="name">{wait.key}</span> }} />
                  </Text>
                )}
                {wait.failure !== null && (
                  <Text size="xs" c="red" className="break">
                    {wait.failure.reason}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <a href={linkToUser(wait.user_id, wait.event_id)}>{wait.event_type}</a>
                <Text size="xs" c="dimmed">
                  <Time value={wait.began_at} as="full" />
                </Text>
              </Table.Td>
              <Table.Td>
                <RetryWaitButton wait={wait} />
                <CancelWaitButton wait={wait} />
              </Table.Td>
            </Table.Tr>
          )}
        </VirtualRows>
      </Table>
    </Paper>
  );
}
