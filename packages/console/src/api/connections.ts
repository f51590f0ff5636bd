import type {
  Connector,
  ConnectorList,
  ConnectorTask,
  ConnectorTaskPage,
  ConnectorTasksRetried,
  ParkedPage,
  ParkedResult,
  SinkPage,
  SinkState,
  SourcePage,
  SourceState,
} from '@tidings/client/types';
import { repeatAll } from '../../../../src/lib/repeat-all.ts';
import { buildQuery, callApi } from './call.ts';

/** Returns the Kafka topics that the active catalog reads, and how far. */
export const getSources = (): Promise<SourcePage> => callApi('sources');

/** Pauses a source, or has it read again. */
export const setSourcePaused = (name: string, isPaused: boolean): Promise<SourceState> =>
  callApi(`sources/${encodeURIComponent(name)}/${isPaused ? 'pause' : 'resume'}`, 'POST');

/** Returns the Kafka topics that the active catalog writes, and what waits for each. */
export const getSinks = (): Promise<SinkPage> => callApi('sinks');

/** Pauses a sink, or has it written again. */
export const setSinkPaused = (name: string, isPaused: boolean): Promise<SinkState> =>
  callApi(`sinks/${encodeURIComponent(name)}/${isPaused ? 'pause' : 'resume'}`, 'POST');

/** Returns messages of a sink that were set aside. */
export const getParked = (name: string): Promise<ParkedPage> => callApi(`sinks/${encodeURIComponent(name)}/parked`);

/** Sends all messages once more that were set aside, or deletes them. Returns how many. */
export const releaseParked = (name: string, verb: 'retry' | 'discard'): Promise<number> =>
  repeatAll(async (until) => {
    const body = until === undefined ? {} : { parked_until: until };
    const part: ParkedResult = await callApi(`sinks/${encodeURIComponent(name)}/parked/${verb}`, 'POST', body);
    return { ...part, count: part.messages, until: part.parked_until };
  });

/** Returns the connectors of the active catalog, without their secrets. */
export const getConnectors = (): Promise<ConnectorList> => callApi('connectors');

/** Tasks to list. Null: of all. */
export interface TaskChoice {
  readonly state: ConnectorTask['state'] | null;
  readonly connector: Connector['name'] | null;
  readonly code: string | null;
}

/** Returns a page of 50 tasks of connectors, newest first. `after`: the `next` of the previous page, null for the first. */
export const getTasks = ({ state, connector, code }: TaskChoice, after: string | null): Promise<ConnectorTaskPage> =>
  callApi(`connector-tasks?${buildQuery({ state, connector, code, limit: '50', after })}`);

/** Runs a task again that ended as a dead letter. */
export const retryTask = (id: string): Promise<ConnectorTask> =>
  callApi(`connector-tasks/${encodeURIComponent(id)}/retry`, 'POST');

/** Runs dead letters of connectors again, as many as one request does. @param endedUntil as an earlier answer says it; absent: the first request */
export const retryTasks = (
  { connector, code }: Omit<TaskChoice, 'state'>,
  endedUntil?: string,
): Promise<ConnectorTasksRetried> =>
  callApi('connector-tasks/retry', 'POST', {
    ...(connector && { connector }),
    ...(code && { code }),
    ...(endedUntil && { ended_until: endedUntil }),
  });
