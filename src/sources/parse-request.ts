import type { JsonObject } from '../model/event.ts';
import type { SendRequest } from '../notify/request.ts';

/** A request for a notification without its recipients, or the first mistake in it. */
export type ParsedRequest = Omit<SendRequest, 'recipients'> | { readonly path: string; readonly message: string };

/**
 * Checks the shape of a request for a notification to one user: the body of `POST /api/v1/notifications` without its recipients.
 * The one definition of it is that of HTTP, which is loaded with the first such message.
 */
export async function parseRequest(request: JsonObject): Promise<ParsedRequest> {
  const { sendBody } = await import('../http/schemas/notifications.ts');
  const parsed = sendBody.omit({ recipients: true }).safeParse(request);
  if (parsed.success) return parsed.data as ParsedRequest;
  const { path = [], message = 'is wrong' } = parsed.error.issues[0] ?? {};
  return { path: path.join('.'), message };
}
