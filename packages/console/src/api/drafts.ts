import type {
  DraftBacktest,
  DraftCases,
  DraftCheck,
  MetricGroups,
  MetricSummary,
  RenderedTemplates,
  RenderRequest,
  StoredCatalogFiles,
  TriedEvent,
  WrittenCase,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Path inside the folder of a catalog to text. */
export type Files = Readonly<Record<string, string>>;

/** Returns the files of the active version, or of another one, as they were written. */
export const getCatalogFiles = (version?: number): Promise<StoredCatalogFiles> =>
  callApi(version === undefined ? 'catalog/files' : `catalog/files?version=${version}`);

/** Renders messages by a draft or a version, and sends nothing. */
export const renderTemplates = (request: RenderRequest): Promise<RenderedTemplates> =>
  callApi('catalog/render', 'POST', request);

export const checkDraft = (files: Files): Promise<DraftCheck> => callApi('catalog/check', 'POST', { files });

export const runCases = (files: Files): Promise<DraftCases> => callApi('catalog/cases', 'POST', { files });

/** Makes a case of a stored event, as a file cases.yaml with this case alone. */
export const makeCase = (files: Files, userId: string, eventId: string): Promise<WrittenCase> =>
  callApi('catalog/cases/from-event', 'POST', { files, user_id: userId, event_id: eventId });

/** An event to try: one that is stored, by its id, or one as it is posted. */
export interface TrialRequest {
  readonly user_id: string;
  readonly event_id?: string;
  readonly event?: object;
  readonly until?: string;
}

/** Decides an event with a draft. */
export const tryDraft = (files: Files, trial: TrialRequest): Promise<TriedEvent> =>
  callApi('catalog/try', 'POST', { files, ...trial });

/** Replays the events of a time before now, such as `7d`, with a draft. */
export const backtestDraft = (files: Files, since: string): Promise<DraftBacktest> =>
  callApi('catalog/backtest', 'POST', { files, since });

/** Makes a draft the active version, if the version that it began from still is. */
export const applyDraft = (files: Files, base: number): Promise<{ version: number; changed: boolean }> =>
  callApi('catalog', 'POST', { files }, () => false, { 'if-match': `"${base}"` });

const spanOf = (from: number) => ({ from: new Date(from).toISOString(), to: new Date().toISOString() });

/** Returns the sums of a rule, or of a notification type, since a time in ms. */
export const getSums = (
  of: { readonly rule: string } | { readonly type: string },
  from: number,
): Promise<MetricSummary> => callApi(`metrics/summary?${buildQuery({ ...spanOf(from), ...of })}`);

/** Returns the sums of the messages of a type by each channel since a time in ms. */
export const getChannelSums = (type: string, from: number): Promise<MetricGroups> =>
  callApi(`metrics/groups?${buildQuery({ ...spanOf(from), type, by: 'channel' })}`);

/** Returns the sums of each event type since a time in ms. */
export const getEventSums = (from: number): Promise<MetricGroups> =>
  callApi(`metrics/groups?${buildQuery({ ...spanOf(from), by: 'event' })}`);
