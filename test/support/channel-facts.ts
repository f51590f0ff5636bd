import { onTestFinished } from 'vitest';
import { testTidings } from './tidings.ts';

/** Starts a database for this test. Returns a function that asks it for the lane of a delivery. */
export async function useDatabase() {
  const tidings = await testTidings();
  onTestFinished(() => tidings.close());
  return async (tenantId: string, channel: string, target: string): Promise<string | undefined> => {
    const { rows } = await tidings.database.pool.query<{ lane: string }>('select delivery_lane($1, $2, $3) as lane', [
      tenantId,
      channel,
      target,
    ]);
    return rows[0]?.lane;
  };
}
