/** A TCP server on 127.0.0.1 that answers IMAP commands as a test wants it to: wrongly, half, or not at all. */

import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface Asked {
  readonly tag: string;
  /** In capitals, `UID` included: `LOGIN`, `UID FETCH`. */
  readonly command: string;
  readonly rest: string;
  /** Counts the connections, from 1. */
  readonly connection: number;
  readonly socket: Socket;
}

export interface Script {
  /** What is sent first; undefined: nothing. */
  readonly greeting?: string;
  /** The answer to a command. Undefined: the usual one, see {@link usual}. `''`: none at all. */
  answer?(asked: Asked): string | undefined;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ScriptedImap {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Every line that came. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export const GREETING = '* OK ready\r\n';

/** Resolves when it listens. */
export async function startScriptedImap(script: Script): Promise<ScriptedImap> {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    const connection = sockets.size;
    // The client may go away at any time; that is what is tested.
    socket.on('error', () => socket.destroy());
    const { greeting } = script;
    if (greeting !== undefined) socket.write(greeting);
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const whole = (rest + text).split('\r\n');
      rest = whole.pop() ?? '';
      for (const line of whole) {
        lines.push(line);
        const [, tag = '', command = '', args = ''] = /^(\S+) ((?:UID )?\S+) ?(.*)$/i.exec(line) ?? [];
        const asked = { tag, command: command.toUpperCase(), rest: args, connection, socket };
        const answer = script.answer?.(asked) ?? usual(asked);
        if (answer !== '' && !socket.destroyed) socket.write(answer, 'latin1');
      }
    });
  };
  const server = script.tls ? createTlsServer(script.tls, serve) : createTcpServer(serve);
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    lines,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** One folder, INBOX, with one mail, UID 7, of the text {@link MAIL}. */
export const MAIL = 'From: a@example.org\r\nSubject: seven\r\nMessage-ID: <seven@example.org>\r\n\r\nbody\r\n';

function usual({ tag, command, rest }: Asked): string {
  const done = `${tag} OK done\r\n`;
  const size = `RFC822.SIZE ${MAIL.length} INTERNALDATE "01-Nov-2026 10:00:00 +0000"`;
  switch (command) {
    case 'CAPABILITY':
      return `* CAPABILITY IMAP4rev1\r\n${done}`;
    case 'LIST':
      // Without a name it asks for the delimiter (RFC 3501 section 6.3.8).
      return rest === '"" ""' ? `* LIST (\\Noselect) "." ""\r\n${done}` : `* LIST () "." INBOX\r\n${done}`;
    case 'SELECT':
    case 'EXAMINE':
      return `* 1 EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n* OK [UIDNEXT 8] ok\r\n${done}`;
    case 'UID SEARCH':
      return `* SEARCH 7\r\n${done}`;
    case 'UID FETCH':
      return rest.includes('BODY')
        ? `* 1 FETCH (UID 7 BODY[] {${MAIL.length}}\r\n${MAIL})\r\n${done}`
        : `* 1 FETCH (UID 7 ${size})\r\n${done}`;
    default:
      return done;
  }
}
