import { hasApiError, isLeaderless, isUnknownTopic } from './errors.ts';

/** A topic as the brokers have it now. */
export interface TopicView {
  /** One that is created again has another. */
  readonly id: string;
  readonly partitions: number;
}

/** Topics by name; `no_leader`: a partition lacks one now. */
export type FoundTopics = ReadonlyMap<string, TopicView | 'no_leader'>;

/**
 * Asks the brokers for topics. One that does not exist, or that the login may not see, is absent. The client fails a request about
 * several topics because of one of them: they are asked for apart then.
 */
export async function findTopics(
  names: readonly string[],
  ask: (names: readonly string[]) => Promise<FoundTopics>,
): Promise<FoundTopics> {
  if (names.length === 0) return new Map();
  try {
    return await ask(names);
  } catch (error) {
    const isAbsent = isUnknownTopic(error) || hasApiError(error, 'TOPIC_AUTHORIZATION_FAILED');
    if (!isAbsent && !isLeaderless(error)) throw error;
    if (names.length === 1) return new Map(isAbsent ? [] : names.map((name) => [name, 'no_leader']));
    const middle = names.length >> 1;
    const [first, second] = [await findTopics(names.slice(0, middle), ask), await findTopics(names.slice(middle), ask)];
    return new Map([...first, ...second]);
  }
}
