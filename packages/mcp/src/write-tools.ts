import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { TidingsAccess } from './access.ts';
import { catalogFiles, id } from './inputs.ts';
import { addTool } from './tool.ts';

const WRITES = { readOnlyHint: false, openWorldHint: false };

/**
 * Adds the tools that change something. None deletes data, creates or reveals a key, or changes rights: an assistant that is
 * misled by a text must not be able to.
 */
export function addWriteTools(server: McpServer, access: TidingsAccess): void {
  addTool(server, {
    name: 'retry_delivery',
    title: 'Retry a delivery',
    description: 'Queue a delivery again that ended without being sent. The message may reach the user.',
    input: { delivery_id: id },
    annotations: { ...WRITES, destructiveHint: false },
    run: ({ delivery_id }) => access.post(`/api/v1/deliveries/${encodeURIComponent(delivery_id)}/retry`),
  });
  addTool(server, {
    name: 'cancel_delivery',
    title: 'Cancel a delivery',
    description: 'Cancel a queued delivery, so that it is never sent.',
    input: { delivery_id: id },
    annotations: { ...WRITES, destructiveHint: true },
    run: ({ delivery_id }) => access.post(`/api/v1/deliveries/${encodeURIComponent(delivery_id)}/cancel`),
  });
  addTool(server, {
    name: 'cancel_wait',
    title: 'Cancel a wait',
    description: 'Cancel a pending wait of a rule, so that it does not fire.',
    input: { wait_id: id },
    annotations: { ...WRITES, destructiveHint: true },
    run: ({ wait_id }) => access.post(`/api/v1/waits/${encodeURIComponent(wait_id)}/cancel`),
  });
  addTool(server, {
    name: 'apply_catalog',
    title: 'Apply a catalog',
    description: 'Make a catalog the active version, or with dry_run show what would change. Check it first.',
    input: { files: catalogFiles, dry_run: z.boolean().describe('Compare, and change nothing') },
    annotations: { ...WRITES, destructiveHint: true },
    run: ({ files, dry_run }) => access.post('/api/v1/catalog', { files, dry_run }),
  });
}
