import type { MessageSource } from '../model/source.ts';
import { rejectSource } from '../sources/readers.ts';
import type { HttpDependencies } from './app.ts';

export const KAFKA_NOT_CONFIGURED = 'Kafka is not configured (TIDINGS_KAFKA_BROKERS)';

/** Returns why a source of a tenant is not read at all; null: it may be read. */
export function findSourceCause(
  kafka: HttpDependencies['kafka'],
  tenantId: string,
  source: MessageSource,
): string | null {
  if (!kafka) return KAFKA_NOT_CONFIGURED;
  return rejectSource(kafka.settings, kafka.tenant, tenantId, source) ?? null;
}
