import type { KafkaSettings } from '../model/kafka.ts';

/**
 * Returns why a tenant may not use a topic; undefined: it may. A tenant other than that of the installation uses only topics that
 * the operator allows it, which then no other tenant uses.
 */
export function rejectTopic(
  settings: Pick<KafkaSettings, 'allowed'>,
  ownTenant: string,
  tenantId: string,
  topic: string,
): string | undefined {
  const owners = settings.allowed.filter(({ topic: pattern }) => matchesTopic(pattern, topic));
  if (tenantId !== ownTenant && !owners.some((one) => one.tenantId === tenantId))
    return 'the operator does not allow this topic (TIDINGS_KAFKA_TOPICS)';
  if (owners.some((one) => one.tenantId !== tenantId)) return 'the operator allows this topic to another tenant';
  return undefined;
}

function matchesTopic(pattern: string, topic: string): boolean {
  return pattern.endsWith('*') ? topic.startsWith(pattern.slice(0, -1)) : pattern === topic;
}
