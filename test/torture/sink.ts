export { type Mail, mailSink } from '../support/mailsink.ts';
