import type { App, HttpDependencies } from '../app.ts';
import { currentProblems } from '../schemas/problems.ts';
import { findProblems } from '../tenant-problems.ts';

/** Problems of the present: for the first page of the console, and for those who ask before they look further. */
export function registerProblemRoutes(app: App, dependencies: HttpDependencies): void {
  app.get(
    '/api/v1/problems',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'listProblems',
        summary: 'Show what is wrong at present: circuits, overdue work, failures, topics, jobs and the catalog',
        tags: ['deliveries'],
        response: { 200: currentProblems },
      },
    },
    ({ principal: { tenantId, scopes } }) => findProblems(dependencies, tenantId, scopes),
  );
}
