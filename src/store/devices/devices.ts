import type pg from 'pg';
import { freshId } from '../../lib/fresh-id.ts';
import type { Device, DeviceSecret, Registration } from '../../model/device.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { reviveForDevice } from '../deliveries/revive.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';

/** Devices of a user that messages are sent to, at most. */
export const MAX_USER_DEVICES = 50;
/** Retired devices of a user that are kept, at most: the latest ones. */
const MAX_RETIRED_DEVICES = 50;

interface DeviceRow {
  readonly device_id: string;
  readonly user_id: string;
  readonly platform: Device['platform'];
  readonly service: Device['service'];
  readonly app: string;
  readonly environment: Device['environment'];
  readonly mask: string;
  readonly registered_at: Millis;
  readonly seen_at: Millis;
  readonly retired_at: Millis | null;
  readonly retired_code: string | null;
}

const COLUMNS =
  'device_id, user_id, platform, service, app, environment, mask, registered_at, seen_at, retired_at, retired_code';

/**
 * Registers a device for a user. A token that the user has registered before is the same device; one that another user has moves
 * from there: the earlier device is retired. With the first device of a user, deliveries that ended for want of one are queued again. Undefined: the user has MAX_USER_DEVICES others already, and nothing is changed.
 */
export async function registerDevice(
  pool: pg.Pool,
  seal: Seal,
  of: { readonly tenantId: string; readonly userId: string },
  registration: Registration,
  now: Millis,
): Promise<{ readonly device: Device; readonly isNew: boolean } | undefined> {
  const { tenantId, userId } = of;
  const { app, platform, service, environment, secret } = registration;
  const identity = 'token' in secret ? secret.token : secret.endpoint;
  const hash = seal.sign(`device ${identity}`);
  return withTransaction(pool, async (connection) => {
    // The token first, then the user: requests that register either wait here, and never for one another.
    await lock(connection, 'tidings device', `${tenantId} ${app} ${hash}`);
    await lock(connection, 'tidings devices', `${tenantId} ${userId}`);
    const { rows: known } = await connection.query<{ device_id: string; user_id: string }>(
      `select device_id, user_id from devices where tenant_id = $1 and app = $2 and hash = $3 and retired_at is null`,
      [tenantId, app, hash],
    );
    const [current] = known;
    if (current?.user_id === userId) {
      const sealed = sealSecret(seal, tenantId, current.device_id, secret);
      const { rows } = await connection.query<DeviceRow>(
        `update devices set seen_at = greatest(seen_at, $3), platform = $4, service = $5, environment = $6, sealed = $7
         where tenant_id = $1 and device_id = $2 returning ${COLUMNS}`,
        [tenantId, current.device_id, isoTime(now), platform, service, environment, sealed],
      );
      return { device: toDevice(rows[0] as DeviceRow), isNew: false };
    }
    const { rows: counts } = await connection.query<{ count: number }>(
      'select count(*)::int as count from devices where tenant_id = $1 and user_id = $2 and retired_at is null',
      [tenantId, userId],
    );
    if ((counts[0]?.count ?? 0) >= MAX_USER_DEVICES) return undefined;
    if (current) await retire(connection, tenantId, current.device_id, 'moved', now);
    const deviceId = freshId();
    const { rows } = await connection.query<DeviceRow>(
      `insert into devices (tenant_id, device_id, user_id, platform, service, app, environment, sealed, hash, mask, registered_at, seen_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) returning ${COLUMNS}`,
      [
        tenantId,
        deviceId,
        userId,
        platform,
        service,
        app,
        environment,
        sealSecret(seal, tenantId, deviceId, secret),
        hash,
        maskSecret(secret),
        isoTime(now),
      ],
    );
    await connection.query(
      `delete from devices where tenant_id = $1 and device_id in (
         select device_id from devices where tenant_id = $1 and user_id = $2 and retired_at is not null
         order by retired_at desc, device_id desc offset ${MAX_RETIRED_DEVICES})`,
      [tenantId, userId],
    );
    if (counts[0]?.count === 0) await reviveForDevice(connection, of, now);
    return { device: toDevice(rows[0] as DeviceRow), isNew: true };
  });
}

/** Returns devices of a user, those registered last first: at most MAX_USER_DEVICES and MAX_RETIRED_DEVICES. */
export async function listDevices(
  connection: Connection,
  tenantId: string,
  userId: string,
  withRetired: boolean,
): Promise<Device[]> {
  const { rows } = await connection.query<DeviceRow>(
    `select ${COLUMNS} from devices where tenant_id = $1 and user_id = $2 ${withRetired ? '' : 'and retired_at is null'}
     order by retired_at is not null, seen_at desc, device_id desc limit ${2 * (MAX_USER_DEVICES + MAX_RETIRED_DEVICES)}`,
    [tenantId, userId],
  );
  return rows.map(toDevice);
}

/** Retires a device of a user as `removed`. Undefined: the user has no such device, or nothing is sent to it now. */
export async function removeDevice(
  connection: Connection,
  of: { readonly tenantId: string; readonly userId: string; readonly deviceId: string },
  now: Millis,
): Promise<Device | undefined> {
  const { rows } = await connection.query<DeviceRow>(
    `update devices set retired_at = $4, retired_code = 'removed'
     where tenant_id = $1 and user_id = $2 and device_id = $3 and retired_at is null returning ${COLUMNS}`,
    [of.tenantId, of.userId, of.deviceId, isoTime(now)],
  );
  return rows[0] && toDevice(rows[0]);
}

/** Returns the ids of the devices of a user that messages are sent to, those registered first first; of more, those seen last. */
export async function listDeviceIds(
  connection: Connection,
  tenantId: string,
  userId: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await connection.query<{ device_id: string }>({
    name: 'list-device-ids',
    text: `select device_id from (
             select device_id, registered_at from devices
             where tenant_id = $1 and user_id = $2 and retired_at is null
             order by seen_at desc, device_id desc limit $3
           ) as d order by registered_at, device_id`,
    values: [tenantId, userId, limit],
  });
  return rows.map(({ device_id }) => device_id);
}

/**
 * Returns a device with what a message to it needs. Undefined: it is gone, or nothing is sent to it now.
 * @throws Error if it cannot be opened with the current key
 */
export async function loadDevice(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  deviceId: string,
): Promise<(Device & { readonly secret: DeviceSecret }) | undefined> {
  const { rows } = await connection.query<DeviceRow & { sealed: Buffer }>({
    name: 'load-device',
    text: `select ${COLUMNS}, sealed from devices where tenant_id = $1 and device_id = $2::uuid and retired_at is null`,
    values: [tenantId, deviceId],
  });
  const [row] = rows;
  if (!row) return undefined;
  const secret = openDocument(seal, row.sealed, documentRow('devices', tenantId, deviceId));
  if (!secret) throw new Error('a device cannot be opened with the current key');
  return { ...toDevice(row), secret: secret as unknown as DeviceSecret };
}

async function retire(connection: Connection, tenantId: string, deviceId: string, code: string, now: Millis) {
  await connection.query(
    'update devices set retired_at = $3, retired_code = $4 where tenant_id = $1 and device_id = $2',
    [tenantId, deviceId, isoTime(now), code],
  );
}

async function lock(connection: Connection, what: string, name: string): Promise<void> {
  await connection.query('select pg_advisory_xact_lock(hashtext($1), hashtext($2))', [what, name]);
}

function sealSecret(seal: Seal, tenantId: string, deviceId: string, secret: DeviceSecret): Buffer {
  return sealDocument(seal, JSON.stringify(secret), documentRow('devices', tenantId, deviceId));
}

/** Characters of a token that its mask shows: its last ones. */
const SHOWN_CHARS = 4;

function maskSecret(secret: DeviceSecret): string {
  if ('token' in secret) return `…${secret.token.slice(-SHOWN_CHARS)}`;
  return `${new URL(secret.endpoint).host}/…${secret.endpoint.slice(-SHOWN_CHARS)}`;
}

function toDevice(row: DeviceRow): Device {
  return {
    deviceId: row.device_id,
    userId: row.user_id,
    platform: row.platform,
    service: row.service,
    app: row.app,
    environment: row.environment,
    mask: row.mask,
    registeredAt: row.registered_at,
    seenAt: row.seen_at,
    retiredAt: row.retired_at,
    retiredCode: row.retired_code,
  };
}
