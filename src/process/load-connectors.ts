import type { Config } from '../config.ts';
import type { ConnectorWorkerOptions } from '../connectors/worker.ts';
import type { Cleanup } from './cleanup.ts';

/** Connections to one host of a service, at most: an attempt makes its calls one after the other. */
const MAX_SERVICE_CONNECTIONS = 16;

/** Returns what loads the calls of connectors, when the first task is due: an installation without connectors never does. */
export function loadConnectors(
  { connectors: { servers } }: Pick<Config, 'connectors'>,
  cleanup: Cleanup,
): ConnectorWorkerOptions['load'] {
  let opened: { close(): Promise<void> } | undefined;
  // Before the workers start, so that it is after they have stopped.
  cleanup.push(async () => opened?.close());
  let loading: ReturnType<ConnectorWorkerOptions['load']> | undefined;
  const load = async () => {
    const [{ runTask }, { CardReferences }, { GuardedClient }] = await Promise.all([
      import('../connectors/run-task.ts'),
      import('../connectors/cards/card-references.ts'),
      import('../http-out/guarded-client.ts'),
    ]);
    const client = new GuardedClient(undefined, MAX_SERVICE_CONNECTIONS);
    opened = client;
    const parts = { client: client.exempting(servers), references: new CardReferences() };
    return { parts, run: runTask };
  };
  return () => {
    loading ??= load();
    return loading;
  };
}
