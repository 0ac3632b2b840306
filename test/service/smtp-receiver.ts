/** A real SMTP server on 127.0.0.1 that keeps what it gets, and misbehaves when told to. */

import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

type Stage = 'CONNECT' | 'MAIL' | 'RCPT' | 'END';

/** How to treat what comes from now on. */
export interface Behaviour {
  /** Answers so at a stage (END: after the final dot); `only` for this recipient. */
  readonly refuse?: { readonly at: Stage; readonly code: number; readonly words: string; readonly only?: string };
  /**
   * Destroys the connection at a stage. `DATA`: at the first bytes of the mail; `lost` and `taken`: after the final
   * dot without an answer, and the mail is thrown away or kept.
   */
  readonly cut?: 'CONNECT' | 'MAIL' | 'RCPT' | 'DATA' | 'lost' | 'taken';
  /** Before the answer to the final dot; the mail is kept before that. */
  readonly slowMs?: number;
}

export interface ReceivedMail {
  /** As it came over the wire, dots unstuffed, CRLF. */
  readonly raw: Buffer;
  readonly from: string;
  readonly recipients: readonly string[];
  /** `7bit` or `8bitmime`. */
  readonly bodyType: string;
  /** Of the connection: encrypted, and who logged in. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface SmtpReceiverOptions {
  /** Called for each recipient of each mail before the answer. */
  readonly deliver?: (recipient: string, raw: Buffer) => void | Promise<void>;
  readonly tls?: { readonly mode: 'implicit' | 'starttls'; readonly key: string; readonly cert: string };
  /** Needed for a mail, where given. */
  readonly login?: { readonly user: string; readonly password?: string; readonly token?: string };
  /** Of the listening socket; 0, the default, takes a free one. */
  readonly port?: number;
}

export interface SmtpReceiver {
  readonly host: string;
  readonly port: number;
  readonly mails: ReceivedMail[];
  behaviour: Behaviour;
  /** Connections so far. */
  readonly connections: () => number;
  /** Connections that are open now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** Starts a server; its mails are in `mails`, oldest first. */
export async function startSmtpReceiver(options: SmtpReceiverOptions = {}): Promise<SmtpReceiver> {
  const { deliver, tls, login } = options;
  const mails: ReceivedMail[] = [];
  let connections = 0;
  let behaviour: Behaviour = {};

  const cut = (session: SMTPServerSession): void => {
    for (const connection of server.connections) if (connection.id === session.id) connection._socket.destroy();
  };
  const answer = (
    stage: Stage,
    session: SMTPServerSession,
    done: (error?: Error) => void,
    recipient?: string,
  ): void => {
    const { refuse } = behaviour;
    if (behaviour.cut === stage) {
      cut(session);
      return;
    }
    const isRefused = refuse?.at === stage && (refuse.only === undefined || refuse.only === recipient);
    done(isRefused ? Object.assign(new Error(refuse.words), { responseCode: refuse.code }) : undefined);
  };

  const keep = async (raw: Buffer, { envelope, secure, user }: SMTPServerSession): Promise<void> => {
    const { mailFrom, rcptTo, bodyType = '7bit' } = envelope;
    const recipients = rcptTo.map(({ address }) => address);
    const from = mailFrom === false ? '' : mailFrom.address;
    mails.push({ raw, from, recipients, bodyType, secure, user: user as string | undefined });
    for (const recipient of recipients) await deliver?.(recipient, raw);
  };

  const server = new SMTPServer({
    ...(tls === undefined ? {} : { secure: tls.mode === 'implicit', key: tls.key, cert: tls.cert }),
    authOptional: login === undefined,
    authMethods: login?.token === undefined ? ['LOGIN', 'PLAIN'] : ['XOAUTH2'],
    allowInsecureAuth: tls === undefined,
    disabledCommands: [...(login ? [] : ['AUTH']), ...(tls?.mode === 'starttls' ? [] : ['STARTTLS'])],
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: (auth, _session, done) => {
      const isRight =
        auth.username === login?.user &&
        (auth.method === 'XOAUTH2' ? auth.accessToken === login?.token : auth.password === login?.password);
      done(isRight ? null : new Error('wrong user or password'), { user: auth.username });
    },
    onConnect: (session, done) => {
      connections += 1;
      answer('CONNECT', session, done);
    },
    onMailFrom: (_address, session, done) => answer('MAIL', session, done),
    onRcptTo: ({ address }, session, done) => answer('RCPT', session, done, address),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (behaviour.cut === 'DATA') cut(session);
      });
      // Destroyed by a cut.
      stream.on('error', () => chunks.splice(0));
      stream.on('end', () => {
        const { slowMs = 0, refuse } = behaviour;
        if (behaviour.cut === 'lost') cut(session);
        else if (refuse?.at === 'END') answer('END', session, done);
        else {
          keep(Buffer.concat(chunks), session).then(
            () => (behaviour.cut === 'taken' ? cut(session) : setTimeout(done, slowMs)),
            (error: Error) => done(error),
          );
        }
      });
    },
  });
  // Clients that go away are what the tests are about.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    mails,
    get behaviour() {
      return behaviour;
    },
    set behaviour(next) {
      behaviour = next;
    },
    connections: () => connections,
    open: () => server.connections.size,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
