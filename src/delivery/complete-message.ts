import type { FetchFiles } from '../channels/email/fetch-files.ts';
import type { Provider } from '../channels/provider.ts';
import type { Message, SendOutcome } from '../model/delivery.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { Deadlines } from './deadlines.ts';
import type { Unsent } from './dispatch-result.ts';

export interface CompleteMessage {
  readonly message: Message;
  /** Frees the memory of its files, after the send. */
  readonly release?: () => void;
}

/**
 * Returns the message with its files, which are fetched, unless the provider discards it; `busy`: there is no memory for them
 * now. A template that another provider keeps is of no use to this one: that concerns this message only, and stops no other.
 */
export async function completeMessage(
  { tenantId }: ClaimedDelivery,
  message: Message,
  provider: Provider,
  fetchFiles: FetchFiles,
  deadlines: Deadlines,
): Promise<CompleteMessage | Unsent | 'busy'> {
  const { hosted, files } = message;
  if ((hosted === undefined && files === undefined) || provider.isSubstitute) return { message };
  if (hosted && !provider.takesHosted) return { outcome: toHostedFailure(provider, hosted.template) };
  if (files === undefined) return { message };
  const fetched = await fetchFiles(files, { tenantId, account: provider }, deadlines.next().signal);
  if (fetched === 'busy') return fetched;
  if ('kind' in fetched) return { outcome: fetched };
  const { attachments, release } = fetched;
  return { message: { ...message, attachments }, release };
}

function toHostedFailure({ name }: Provider, template: string): SendOutcome {
  const reason = `${name} keeps no templates, and the message is to be made from ${template}: route it to a provider that does, or write a template here`;
  return { kind: 'misconfigured', code: 'provider_template', reason };
}
