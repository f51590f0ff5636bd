import { Paper, Table, VisuallyHidden } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { VirtualRows } from '../shell/VirtualRows.tsx';
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
            <Table.Th>Created</Table.Th>
            <Table.Th>User</Table.Th>
            <Table.Th>Notification</Table.Th>
            <Table.Th>Channel</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>
              <VisuallyHidden>Actions</VisuallyHidden>
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
