/** A DNS server on 127.0.0.1, UDP and TCP, that knows TXT records: for the keys of DKIM in tests and in the demo. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { decode, encode, type Packet, streamEncode, TRUNCATED_RESPONSE } from 'dns-packet';

/** What every resolver takes in one datagram: RFC 1035, section 4.2.1. */
const MAX_DATAGRAM = 512;

export type DnsMode = 'answer' | 'silent' | 'servfail' | 'garbage';

export interface Dns {
  /** `127.0.0.1:PORT`. */
  readonly server: string;
  /** Names asked for, in order. */
  readonly asked: readonly string[];
  /** From now on: answers, no word, SERVFAIL, or bytes that are no answer. */
  behave(mode: DnsMode): void;
  close(): Promise<void>;
}

/** Starts a server for `records`, text by name; what is put in there later counts too. Other names are NXDOMAIN. */
export async function startDns(records: Readonly<Record<string, string>>): Promise<Dns> {
  let mode: DnsMode = 'answer';
  const asked: string[] = [];
  const sockets = new Set<Socket>();

  const reply = (query: Packet): Packet => {
    const [question] = query.questions ?? [];
    const name = question?.name.toLowerCase() ?? '';
    asked.push(name);
    const text = Object.hasOwn(records, name) ? records[name] : undefined;
    const rcode = mode === 'servfail' ? 2 : text === undefined ? 3 : 0;
    const isText = rcode === 0 && question?.type === 'TXT' && text !== undefined;
    return {
      id: query.id ?? 0,
      type: 'response',
      flags: 0x0480 | rcode,
      questions: query.questions ?? [],
      answers: isText ? [{ name: question.name, type: 'TXT', class: 'IN', ttl: 60, data: chunks(text) }] : [],
    };
  };

  const udp = createSocket('udp4');
  udp.on('message', (bytes, { port, address }) => {
    const answer = reply(decode(bytes));
    if (mode === 'silent') return;
    const whole = encode(answer);
    const short = encode({ ...answer, flags: (answer.flags ?? 0) | TRUNCATED_RESPONSE, answers: [] });
    const fitting = whole.length > MAX_DATAGRAM ? short : whole;
    udp.send(mode === 'garbage' ? Buffer.from('no DNS here') : fitting, port, address);
  });
  const tcp = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy()));
    let got = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      got = Buffer.concat([got, part]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      const answer = reply(decode(got.subarray(2)));
      if (mode !== 'silent') socket.end(mode === 'garbage' ? 'no DNS here' : streamEncode(answer));
    });
  });

  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    server: `127.0.0.1:${port}`,
    asked,
    behave: (next) => {
      mode = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([new Promise<void>((done) => udp.close(done)), new Promise((done) => tcp.close(done))]);
    },
  };
}

/** Strings of at most 255 bytes: RFC 1035, section 3.3. */
function chunks(text: string): string[] {
  return text.match(/.{1,255}/gs) ?? [''];
}
