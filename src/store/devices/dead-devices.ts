import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A device of which a provider said, with a code, that it is gone. */
export interface DeadDevice {
  readonly tenantId: string;
  readonly deviceId: string;
  readonly code: string;
  /** When the provider knew of it: a device that was registered later is not the one that it means. */
  readonly since: Millis;
  /** The account whose provider said so. */
  readonly account: string;
}

/** The devices that an account has retired since a time. */
export interface RetiredBy {
  readonly tenantId: string;
  readonly account: string;
  readonly since: Millis;
}

/** Changes of devices, by the answers of their providers. */
export interface DeviceChanges {
  readonly retired: readonly DeadDevice[];
  /** Devices of accounts that are not believed. */
  readonly restored: readonly RetiredBy[];
}

export const NO_DEVICE_CHANGES: DeviceChanges = { retired: [], restored: [] };

/** Retires devices that are gone, unless they were registered again since. May be repeated: the first code stays. */
export async function retireDeadDevices(
  connection: Connection,
  devices: readonly DeadDevice[],
  now: Millis,
): Promise<void> {
  await connection.query(
    `update devices as d set retired_at = $2, retired_code = r.code, retired_by = r.account
     from json_to_recordset($1) as r("tenantId" text, "deviceId" uuid, code text, since timestamptz, account text)
     where d.tenant_id = r."tenantId" and d.device_id = r."deviceId" and d.retired_at is null and d.seen_at <= r.since`,
    [JSON.stringify(devices.map((one) => ({ ...one, since: isoTime(one.since) }))), isoTime(now)],
  );
}

/** Devices that one call restores, at most. */
const MAX_RESTORED = 1000;

/**
 * Restores the devices that an account has retired since a time: its answers are not to be believed. A token that is registered
 * again meanwhile stays as it is. Returns how many are restored.
 */
export async function restoreDevices(connection: Connection, { tenantId, account, since }: RetiredBy): Promise<number> {
  const { rowCount } = await connection.query(
    `update devices as d set retired_at = null, retired_code = null, retired_by = null
     where tenant_id = $1 and device_id in (
       select distinct on (app, hash) device_id from devices as o
       where tenant_id = $1 and retired_at >= $3 and retired_by = $2
         and not exists (select from devices where tenant_id = $1 and app = o.app and hash = o.hash and retired_at is null)
       order by app, hash, retired_at desc limit ${MAX_RESTORED})`,
    [tenantId, account, isoTime(since)],
  );
  return rowCount ?? 0;
}
