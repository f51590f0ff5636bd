import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { TidingsAccess } from './access.ts';
import { catalogFiles, id } from './inputs.ts';
import { addTool } from './tool.ts';

const MAX_EVENTS = 50;
const MAX_AUDIT_EVENTS = 50;

const READ_ONLY = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

const optionalFiles = catalogFiles
  .optional()
  .describe('A catalog to try; without it, the catalog folder of the server');

/** Adds the tools that change nothing. */
export function addReadTools(server: McpServer, access: TidingsAccess): void {
  addTool(server, {
    name: 'explain_user',
    title: 'Explain a user',
    description:
      'Show the latest events of a user, the decisions on them with their evidence, and their notifications.',
    input: { user_id: id, limit: z.number().int().min(1).max(MAX_AUDIT_EVENTS).default(10).describe('Most events') },
    annotations: READ_ONLY,
    run: ({ user_id, limit }) => access.get(`/api/v1/audit/${encodeURIComponent(user_id)}?limit=${limit}`),
  });
  addTool(server, {
    name: 'explain_notification',
    title: 'Explain a notification',
    description: 'Say why a user did, or did not, get a notification of a type, in sentences and with the decisions.',
    input: { user_id: id, notification_type: id },
    annotations: READ_ONLY,
    run: ({ user_id, notification_type }) =>
      access.get(`/api/v1/explain/${encodeURIComponent(user_id)}/${encodeURIComponent(notification_type)}`),
  });
  addTool(server, {
    name: 'forecast_user',
    title: 'Forecast a user',
    description:
      'Say what a user will get in the next days if nothing else happens, and what would hold it back at present.',
    input: { user_id: id, days: z.number().int().min(1).max(31).default(7).describe('Days from now on') },
    annotations: READ_ONLY,
    run: ({ user_id, days }) => access.get(`/api/v1/users/${encodeURIComponent(user_id)}/forecast?days=${days}`),
  });
  addTool(server, {
    name: 'read_metrics',
    title: 'Read metrics',
    description:
      'Count what was decided, sent, delivered, opened and held back: in all, by channel, by another dimension, by reason, over time, ' +
      'or as a funnel to the goal; compare experiments; or list types with an unusual volume.',
    input: {
      view: z
        .enum(['summary', 'channels', 'groups', 'series', 'reasons', 'funnel', 'experiments', 'anomalies'])
        .default('summary'),
      from: z.string().max(64).optional().describe('Start, as 2025-10-01T00:00:00Z; default: 30 days before the end'),
      to: z.string().max(64).optional().describe('End; default: now'),
      type: id.optional().describe('Only this notification type'),
      channel: id.optional().describe('Only this channel'),
      by: z
        .enum(['type', 'provider', 'locale', 'variant', 'version', 'rule', 'event'])
        .optional()
        .describe('Of groups'),
      grain: z.enum(['minute', 'hour', 'day', 'week']).optional().describe('Of a series'),
    },
    annotations: READ_ONLY,
    run: ({ view, ...query }) => {
      const given = Object.entries(query).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
      return access.get(`/api/v1/metrics/${view}?${new URLSearchParams(given)}`);
    },
  });
  addTool(server, {
    name: 'read_releases',
    title: 'Read releases',
    description:
      'List releases of catalog versions to a share of the users; or compare both versions of one, with what its watch says.',
    input: { release_id: id.optional().describe('Only this release, with the numbers of both versions') },
    annotations: READ_ONLY,
    run: ({ release_id }) =>
      access.get(
        release_id === undefined ? '/api/v1/releases?limit=20' : `/api/v1/releases/${encodeURIComponent(release_id)}`,
      ),
  });
  addTool(server, {
    name: 'list_rules',
    title: 'List the rules',
    description: 'List the rules of the active catalog, and the events and notification types that they name.',
    input: { rule: id.optional().describe('Only this rule, with all its fields') },
    annotations: READ_ONLY,
    run: async ({ rule }) => listRules(await access.get('/api/v1/catalog'), rule),
  });
  addTool(server, {
    name: 'check_catalog',
    title: 'Check a catalog',
    description: 'List errors and warnings of a catalog, with line, column and a hint. Applies nothing.',
    input: { files: optionalFiles },
    annotations: READ_ONLY,
    run: ({ files }) => access.checkCatalog(files),
  });
  addTool(server, {
    name: 'backtest',
    title: 'Backtest a catalog',
    description: 'Compare what a catalog would have sent over the stored events with what was sent. Writes nothing.',
    input: {
      since: z.string().max(64).describe('Start of the period: 30d (ago), or 2025-10-31T00:00:00Z'),
      until: z.string().max(64).optional().describe('End of the period, written as since; default: now'),
      user_id: id.optional().describe('Only this user'),
      files: optionalFiles,
    },
    annotations: READ_ONLY,
    run: ({ since, until, user_id, files }) => access.backtest({ since, until, user: user_id, files }),
  });
  addTool(server, {
    name: 'preview_message',
    title: 'Preview messages',
    description:
      'Decide events under a catalog in a virtual clock, and render the messages that would be sent. Sends nothing.',
    input: {
      events: z
        .array(z.record(z.string(), z.unknown()))
        .min(1)
        .max(MAX_EVENTS)
        .describe('Events as they are posted: user_id, event_type, event_timestamp, properties, user_traits'),
      files: optionalFiles,
    },
    annotations: READ_ONLY,
    run: ({ events, files }) => access.preview(events, files),
  });
}

/** Returns one rule, or the most important fields of all. @throws Error if there is no such rule */
function listRules(catalog: unknown, name: string | undefined): unknown {
  const { version, rules } = catalog as {
    version: number;
    rules: readonly { readonly name: string; [field: string]: unknown }[];
  };
  if (name === undefined) {
    return {
      version,
      rules: rules.map(({ name, on, every, when, notify, limits }) => ({ name, on, every, when, notify, limits })),
    };
  }
  const rule = rules.find((one) => one.name === name);
  if (rule !== undefined) return { version, rule };
  throw Object.assign(new Error(), { problem: { code: 'not_found', detail: `There is no rule ${name}.` } });
}
