import { Anchor, Text } from '@mantine/core';
import type { Connector } from '@tidings/client/types';
import { getConnectors } from '../api/connections.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToTasks } from '../route.ts';
import { IconAlertOctagon, IconCircle } from '../shell/icons.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';
import { NamedCell } from './NamedCell.tsx';

const KINDS: Record<Connector['kind'], string> = {
  'customer-import': t('Import of customers'),
  'card-registration': t('Card registration'),
};

/** Connectors of the catalog: which secrets are set, and what they have to do. No secret is shown. */
export function ConnectorsTable() {
  return (
    <FactTable
      title={t('Connectors')}
      testId="connectors"
      load={async () => ({ ...(await getConnectors()), next: null })}
      getItems={({ connectors }) => connectors}
      getId={({ name }) => name}
      empty={t('No connector: the active catalog has no connectors.yaml.')}
      columns={{
        [t('Connector')]: ({ name, description }) => <NamedCell name={name} description={description} />,
        [t('Kind')]: ({ kind, mode }) => (mode === null ? KINDS[kind] : `${KINDS[kind]} (${mode})`),
        [t('Service')]: ({ url }) => <span className="name">{url}</span>,
        [t('Secrets set')]: ({ secrets_set: names }) => (names.length === 0 ? t('none') : names.join(', ')),
        [t('Tasks')]: (connector) => <Tasks connector={connector} />,
        [t('Reasons')]: (connector) => <Reasons connector={connector} />,
      }}
    />
  );
}

function Tasks({ connector: { name, open_tasks: open, dead_tasks: dead } }: { connector: Connector }) {
  const failed = dead > 0 ? t('{dead, number} failed', { dead }) : t('none failed');
  return (
    <>
      <Anchor size="sm" href={linkToTasks({ connector: name, state: 'open' })}>
        {t('{open, number} waiting', { open })}
      </Anchor>
      <br />
      <a
        href={linkToTasks({ connector: name, state: 'dead' })}
        aria-label={t('{state}: tasks of {connector}', { state: failed, connector: name })}
      >
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
  if (reasons.length === 0) return t('none');
  return reasons.map(({ code, open, dead }) => (
    <Text key={code} size="sm" component="div">
      <Anchor size="sm" href={linkToTasks({ connector: name, code })}>
        <span className="name">{code}</span>
      </Anchor>
      {`: ${[dead > 0 && t('{dead, number} failed', { dead }), open > 0 && t('{open, number} waiting', { open })].filter(Boolean).join(', ')}`}
    </Text>
  ));
}
