import type { TestServer } from './http.ts';
import type { Operation } from './tenant-operations.ts';
import { catalogOf, type TwoTenants } from './two-tenants.ts';

/** Operations on releases, among others that change the catalog: one under way would keep these from it. */

let versions = 10;

/** Returns an operation on a release with one that was just started; any other operation as it is. */
export async function withRelease({ server, own }: TwoTenants, operation: Operation): Promise<Operation> {
  const body = { files: Object.fromEntries(catalogOf('own', ++versions)), share: 10 };
  if (operation.name === 'POST /api/v1/releases') return { ...operation, body };
  if (!operation.name.startsWith('POST /api/v1/releases/')) return operation;
  const { release } = (await server.post('/api/v1/releases', body)).body;
  return { ...operation, path: operation.path.replace(own.releaseId, release.release_id) };
}

/** Rolls back the release under way. */
export async function endReleases(server: TestServer): Promise<void> {
  const { body } = await server.get('/api/v1/releases?state=watching');
  for (const { release_id: id } of body.releases) await server.post(`/api/v1/releases/${id}/rollback`, {});
}
