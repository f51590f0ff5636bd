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
 * Parses `smtp://user:password@host:port` (STARTTLS if the server offers it) or `smtps://…` (TLS from the start; also for
 * port 465), with `?requireTLS=true`, `?ignoreTLS=true`, `?tls.rejectUnauthorized=false` or `?name=`. Not left to nodemailer,
 * which would accept every option it knows, such as those that make it log passwords.
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
  const ignoreTLS = isOn('ignoreTLS');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    // Port 465 is for TLS from the start (RFC 8314, 3.3): such a server would never answer plain text.
    secure: url.protocol === 'smtps:' || (url.port === '465' && !ignoreTLS),
    requireTLS: isOn('requireTLS'),
    ignoreTLS,
    tls: { rejectUnauthorized: url.searchParams.get('tls.rejectUnauthorized') !== 'false' },
    ...(name === null ? {} : { name }),
    ...(url.username === '' ? {} : { auth: { user: url.username, pass: url.password } }),
  };
}

/**
 * Matches a URL whose user name or password contains an unescaped slash, question mark or number sign: what precedes it
 * would be parsed as host and port. The @ that ends the credentials comes after it.
 */
const UNESCAPED_CREDENTIALS = /^[^/]+\/\/[^/?#@]*[/?#](?!\?).*@/;

function parseUrl(text: string) {
  try {
    if (UNESCAPED_CREDENTIALS.test(text)) throw new TypeError('the credentials are not escaped');
    const { protocol, hostname, port, username, password, pathname, hash, searchParams } = new URL(text);
    if (!/^smtps?:$/.test(protocol) || hostname === '') throw new TypeError('not for SMTP');
    if (!['', '/'].includes(pathname) || hash !== '') throw new TypeError('a mail server has no path');
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    return { protocol, hostname, port, username: user, password: pass, searchParams };
  } catch {
    // Without the original error, which quotes the password.
    throw new ConfigError(
      'SMTP_URL cannot be parsed; write smtp://user:password@mail.example.com:587, and in the user name and password %40 for an @, %3A for a :, %2F for a /, %3F for a ?, %23 for a #, %25 for a %',
    );
  }
}
