import { Paper, Table, VisuallyHidden } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { DeliveryRow } from './DeliveryRow.tsx';

/** Table of deliveries, with their reasons and buttons. */
export function DeliveryTable({ deliveries, testId }: { deliveries: readonly Delivery[]; testId: string }) {
  return (
    <Paper withBorder>
      <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover className="deliveries" data-testid={testId}>
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
        <Table.Tbody>
          {deliveries.map((delivery) => (
            <DeliveryRow key={delivery.delivery_id} delivery={delivery} />
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
