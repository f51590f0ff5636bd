import type { Catalog, CatalogDiff, CatalogVersionPage, RollbackResult } from '@tidings/client/types';
import { callApi } from './call.ts';

/** Returns the active catalog. */
export const getCatalog = (): Promise<Catalog> => callApi('catalog');

/** Returns the latest 200 catalog versions, newest first. */
export const getCatalogVersions = (): Promise<CatalogVersionPage> => callApi('catalog/versions?limit=200');

/** Returns the differences from version `from` to version `to`; version 0 is empty. */
export const getCatalogDiff = (from: number, to: number): Promise<CatalogDiff> =>
  callApi(`catalog/diff?from=${from}&to=${to}`);

/** Activates an earlier version. `changed` is false if it was active already. */
export const rollBackCatalog = (version: number): Promise<RollbackResult> =>
  callApi('catalog/rollback', 'POST', { version });
