import type { Logger } from 'pino';

/**
 * Notices to operators, by what they are about: `…failing` and `…works` begin and end an outage. docs/operations.md lists them.
 */
type NoticeCode =
  | 'email.alerted'
  | 'email.paused'
  | 'webhook.failing'
  | 'webhook.disabled'
  | 'account.failing'
  | 'account.works'
  | 'domain.failing'
  | 'domain.works'
  | 'route.moved'
  | 'route.returning'
  | 'route.restored';

/**
 * Writes one notice to the log, as a line with the field `notice`; never to users. What belongs to a tenant is in its audit log as
 * well, where the console shows it.
 * @param detail without addresses and secrets
 */
export function writeNotice(log: Pick<Logger, 'warn'>, notice: NoticeCode, detail: object, sentence: string): void {
  log.warn({ notice, ...detail }, sentence);
}
