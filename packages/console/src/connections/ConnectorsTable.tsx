import { Anchor, Text } from '@mantine/core';
import type { Connector } from '@tidings/client/types';
import { getConnectors } from '../api/connections.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToTasks } from '../route.ts';
import { IconAlertOctagon, IconCircle } from '../shell/icons.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { NamedCell } from './NamedCell.tsx';

const COUNT = new Intl.NumberFormat('en');
const KINDS: Record<Connector['kind'], string> = {
  'customer-import': 'Import of customers',
  'card-registration': 'Card registration',
};

/** Connectors of the catalog: which secrets are set, and what they have to do. No secret is shown. */
export function ConnectorsTable() {
  return (
    <FactTable
      title="Connectors"
      testId="connectors"
      load={async () => ({ ...(await getConnectors()), next: null })}
      getItems={({ connectors }) => connectors}
      getId={({ name }) => name}
      empty="No connector: the active catalog has no connectors.yaml."
      columns={{
        Connector: ({ name, description }) => <NamedCell name={name} description={description} />,
        Kind: ({ kind, mode }) => (mode === null ? KINDS[kind] : `${KINDS[kind]} (${mode})`),
        Service: ({ url }) => <span className="name">{url}</span>,
        'Secrets set': ({ secrets_set: names }) => (names.length === 0 ? 'none' : names.join(', ')),
        Tasks: (connector) => <Tasks connector={connector} />,
        Reasons: (connector) => <Reasons connector={connector} />,
      }}
    />
  );
}

function Tasks({ connector: { name, open_tasks: open, dead_tasks: dead } }: { connector: Connector }) {
  const failed = dead > 0 ? `${COUNT.format(dead)} failed` : 'none failed';
  return (
    <>
      <Anchor size="sm" href={linkToTasks({ connector: name, state: 'open' })}>
        {COUNT.format(open)} waiting
      </Anchor>
      <br />
      <a href={linkToTasks({ connector: name, state: 'dead' })} aria-label={`${failed}: tasks of ${name}`}>
        <StatusBadge
          look={{
            label: failed,
            ...(dead > 0 ? { color: 'red', Icon: IconAlertOctagon } : { color: 'gray', Icon: IconCircle }),
          }}
          testId="dead-tasks"
        />
      </a>
    </>
  );
}

function Reasons({ connector: { name, reasons } }: { connector: Connector }) {
  if (reasons.length === 0) return 'none';
  return reasons.map(({ code, open, dead }) => (
    <Text key={code} size="sm" component="div">
      <Anchor size="sm" href={linkToTasks({ connector: name, code })}>
        <span className="name">{code}</span>
      </Anchor>
      {`: ${[dead > 0 && `${COUNT.format(dead)} failed`, open > 0 && `${COUNT.format(open)} waiting`].filter(Boolean).join(', ')}`}
    </Text>
  ));
}
