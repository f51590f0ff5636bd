import { Paper, Table, VisuallyHidden } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { VirtualRows } from '../shell/VirtualRows.tsx';
import { t } from '../text/text.ts';
import { DeliveryRow } from './DeliveryRow.tsx';

const ROW_HEIGHT = 78;
const COLUMNS = 6;
const getId = (delivery: Delivery): string => delivery.delivery_id;

/** Table of deliveries, with their reasons and buttons. */
export function DeliveryTable({ deliveries, testId }: { deliveries: readonly Delivery[]; testId: string }) {
  return (
    <Paper withBorder>
      <Table
        verticalSpacing="sm"
        horizontalSpacing="md"
        highlightOnHover
        className="deliveries"
        aria-rowcount={deliveries.length + 1}
        data-testid={testId}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('Created')}</Table.Th>
            <Table.Th>{t('User')}</Table.Th>
            <Table.Th>{t('Notification')}</Table.Th>
            <Table.Th>{t('Channel')}</Table.Th>
            <Table.Th>{t('Status')}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{t('Actions')}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <VirtualRows items={deliveries} getId={getId} height={ROW_HEIGHT} columns={COLUMNS}>
          {(delivery, place) => <DeliveryRow key={delivery.delivery_id} delivery={delivery} place={place} />}
        </VirtualRows>
      </Table>
    </Paper>
  );
}
