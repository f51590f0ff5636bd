import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Answer } from '../answer.ts';

/** Line 12: the same content went to the user by the channel within the window of its type. */
export function askDuplicate({ type, dedupe }: PlanQuestion, channel: Channel): Answer | undefined {
  const at = dedupe?.findAlike(channel);
  if (at === undefined) return undefined;
  return { verdict: 'drop', code: 'duplicate_content', level: `tenant: type ${type.name}`, value: isoTime(at) };
}
