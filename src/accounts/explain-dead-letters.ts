import { explainGroup } from '../channels/advice.ts';
import { loadProvider } from '../channels/registry.ts';
import type { DeadLetterGroup } from '../model/dead-letter.ts';

/** Returns the meaning of a failure in the words of its provider, null if it is not known, and what to do about it. */
export async function explainDeadLetters(group: DeadLetterGroup): Promise<ReturnType<typeof explainGroup>> {
  return explainGroup(group, group.provider === null ? undefined : await loadProvider(group.provider));
}
