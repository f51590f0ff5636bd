import { connect, type LookupFunction } from 'node:net';
import type { Millis } from '../../model/event.ts';

/** The server that the pool wants a connection to. */
interface Server {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly secure?: boolean | undefined;
}

type Done = (error: Error | null, options?: { readonly connection: ReturnType<typeof connect> }) => void;

/**
 * Returns how the pool opens its connections: to the addresses that a look-up returns, and to no other one. The pool itself would
 * resolve the name anew. TLS is negotiated over the connection afterwards, as after STARTTLS.
 * @param longest time in ms to connect
 */
export function connectBy(lookup: LookupFunction, longest: Millis): (server: Server, done: Done) => void {
  return ({ host = '', port, secure = false }, done) => {
    const socket = connect({ host, port: Number(port) || (secure ? 465 : 587), lookup, autoSelectFamily: true });
    const end = (error: Error | null) => {
      clearTimeout(tooLate);
      socket.off('error', fail);
      if (error) socket.destroy();
      // Its user listens for errors before anything else happens.
      if (error) done(error);
      else done(null, { connection: socket });
    };
    // As the pool reports it, which tells the time-out of a connection from that of a reply.
    const tooLate = setTimeout(() => end(toError('Connection timeout', 'ETIMEDOUT')), longest);
    const fail = ({ syscall, code }: NodeJS.ErrnoException) =>
      end(toError('Connection failed', syscall === 'connect' ? 'ESOCKET' : 'EDNS', code));
    socket.on('error', fail);
    socket.once('connect', () => end(null));
  };
}

function toError(message: string, code: string, originalCode?: string): Error {
  return Object.assign(new Error(message), { code, ...(originalCode === undefined ? {} : { originalCode }) });
}
