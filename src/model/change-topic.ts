import type { Scope } from './principal.ts';

/** Topics of what changes in a tenant, as the stream of changes has them, each with the scope that its readers need. */
export const CHANGE_TOPICS = {
  events: 'decisions:read',
  notifications: 'notifications:read',
  deliveries: 'deliveries:read',
  dead_letters: 'deliveries:read',
  metrics: 'deliveries:read',
  problems: 'deliveries:read',
  waits: 'waits:read',
  rejected: 'rejected:read',
  jobs: 'jobs:read',
  batches: 'batches:read',
  catalog: 'catalog:read',
  releases: 'catalog:read',
  suppressions: 'suppressions:read',
  settings: 'settings:read',
  audit_log: 'audit_log:read',
} as const satisfies { readonly [topic: string]: Scope };

export type ChangeTopic = keyof typeof CHANGE_TOPICS;

export const TOPIC_NAMES = Object.keys(CHANGE_TOPICS) as readonly ChangeTopic[];
