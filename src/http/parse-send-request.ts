import type { JsonObject } from '../model/event.ts';
import type { ParsedRequest } from '../sources/to-item.ts';
import { sendBody } from './schemas/notifications.ts';

const body = sendBody.omit({ recipients: true });

/** Checks the shape of a request for a notification to one user: the body of `POST /api/v1/notifications` without its recipients. */
export function parseSendRequest(request: JsonObject): ParsedRequest {
  const parsed = body.safeParse(request);
  if (parsed.success) return parsed.data as ParsedRequest;
  const { path = [], message = 'is wrong' } = parsed.error.issues[0] ?? {};
  return { path: path.join('.'), message };
}
