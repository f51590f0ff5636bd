import { ConfigError } from '../../errors.ts';

const KNOWN_OPTIONS = ['requireTLS', 'ignoreTLS', 'tls.rejectUnauthorized', 'name'];

/** Settings of the connection to a mail server. */
export interface SmtpConnection {
  readonly host: string;
  /** Absent: 587, or 465 with TLS from the start. */
  readonly port?: number;
  /** TLS from the start. */
  readonly secure: boolean;
  readonly requireTLS: boolean;
  readonly ignoreTLS: boolean;
  readonly tls: { readonly rejectUnauthorized: boolean };
  /** Host name for EHLO. */
  readonly name?: string;
  readonly auth?: { readonly user: string; readonly pass: string };
}

/**
 * Parses `smtp://user:password@host:port` (STARTTLS if the server offers it) or `smtps://…` (TLS from the start), with
 * `?requireTLS=true`, `?ignoreTLS=true`, `?tls.rejectUnauthorized=false` or `?name=`. Not left to nodemailer, which would
 * accept every option it knows, such as those that make it log passwords.
 * @throws ConfigError, which never quotes the URL
 */
export function parseSmtpUrl(text: string): SmtpConnection {
  const url = parseUrl(text);
  for (const option of url.searchParams.keys()) {
    if (!KNOWN_OPTIONS.includes(option))
      throw new ConfigError(`SMTP_URL has an unknown option; the known ones are ${KNOWN_OPTIONS.join(', ')}`);
  }
  const isOn = (option: string) => url.searchParams.get(option) === 'true';
  const name = url.searchParams.get('name');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    secure: url.protocol === 'smtps:',
    requireTLS: isOn('requireTLS'),
    ignoreTLS: isOn('ignoreTLS'),
    tls: { rejectUnauthorized: url.searchParams.get('tls.rejectUnauthorized') !== 'false' },
    ...(name === null ? {} : { name }),
    ...(url.username === '' ? {} : { auth: { user: url.username, pass: url.password } }),
  };
}

function parseUrl(text: string) {
  try {
    const { protocol, hostname, port, username, password, searchParams } = new URL(text);
    if (!/^smtps?:$/.test(protocol) || hostname === '') throw new TypeError('not for SMTP');
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    return { protocol, hostname, port, username: user, password: pass, searchParams };
  } catch {
    // Without the original error, which quotes the password.
    throw new ConfigError(
      'SMTP_URL cannot be parsed; write smtp://user:password@mail.example.com:587, with %40 for an @ in the password',
    );
  }
}
