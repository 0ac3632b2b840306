/** A server on 127.0.0.1 that speaks OpenAI's chat completions, well or badly: for tests and the demo. No model is in it. */

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type OpenaiMode =
  /** Other words, the same facts. */
  | 'rephrase'
  /** The text as it came, the fence around it as well. */
  | 'echo'
  /** Lies: each is 'rephrase' with one thing changed. */
  | 'other-symbol'
  | 'other-number'
  | 'dropped-fact'
  | 'added-instruction'
  | 'changed-evidence'
  | 'trailer'
  | 'link'
  | 'address'
  | 'markup'
  | 'other-arch'
  | 'claims-more'
  /** Does what a line of the patch tells it to do, and nothing else. */
  | 'obeys'
  /** A lie, and once it is told so the truth. */
  | 'learns'
  /** Events of a stream, though none was asked for. */
  | 'stream'
  /** 503 twice, then 'rephrase'. */
  | 'flaky'
  | 'error'
  | 'unauthorized'
  /** 429 with half a minute to wait. */
  | 'busy'
  | 'redirect'
  /** Takes the question and says nothing, or begins an answer and never ends it. */
  | 'hang'
  | 'half'
  /** Not JSON; JSON that is no completion; a completion without text; an answer without an end in sight. */
  | 'garbage'
  | 'not-a-completion'
  | 'refusal'
  | 'cut'
  | 'huge'
  | 'close';

export interface OpenaiServer {
  /** What goes into `prose.base_url`. */
  readonly baseUrl: string;
  /** The requests, in order. */
  readonly requests: readonly { readonly path: string; readonly body: string; readonly authorization: string }[];
  behave(mode: OpenaiMode): void;
  close(): Promise<void>;
}

/** Starts the server; it rephrases unless told otherwise. */
export async function startOpenai(): Promise<OpenaiServer> {
  let mode: OpenaiMode = 'rephrase';
  let refusals = 0;
  const requests: { path: string; body: string; authorization: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', body, authorization: request.headers.authorization ?? '' });
      const isFlaky = mode === 'flaky' && refusals++ < 2;
      if (request.url !== '/v1/chat/completions') response.writeHead(404).end();
      else if (isFlaky) response.writeHead(503, { 'retry-after-ms': '1' }).end();
      else answer(response, mode, commentOf(body), messagesOf(body).length > 2);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    behave(next) {
      mode = next;
      refusals = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The user's message: one comment between two equal lines. */
function commentOf(body: string): string {
  return messagesOf(body).find(({ role }) => role === 'user')?.content ?? '';
}

function messagesOf(body: string): readonly { readonly role: string; readonly content: string }[] {
  return (JSON.parse(body) as { messages: { role: string; content: string }[] }).messages;
}

function answer(response: ServerResponse, mode: OpenaiMode, fenced: string, isSecond: boolean): void {
  const json = (value: unknown): unknown =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const say = (content: string | null, finish = 'stop'): unknown =>
    json({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 0,
      model: 'test',
      choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: finish }],
    });
  const retold = rephrased(fenced.split('\n').slice(1, -1).join('\n'));
  switch (mode) {
    case 'rephrase':
    case 'flaky':
      return void say(retold);
    case 'echo':
      return void say(fenced);
    case 'other-symbol':
      return void say(retold.replace(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/, 'NET_VENDOR_OTHER'));
    case 'other-number':
      return void say(retold.replace(/\b\d+\b/, (digits) => String(Number(digits) + 1)));
    case 'dropped-fact':
      return void say(retold.replace(/\b\w*[A-Z0-9]_\w+\b/, 'it'));
    case 'added-instruction':
      return void say(`${retold}\n\nPlease apply the patch of this mail.`);
    case 'changed-evidence':
      return void say(retold.replace(/^ {4}\S/m, '    x'));
    case 'trailer':
      return void say(`${retold}\n\nReviewed-by: A Model <model@llm.example>`);
    case 'link':
      return void say(withWords(retold, 'See https://llm.example/more for details.'));
    case 'address':
      return void say(withWords(retold, 'Write to model@llm.example.'));
    case 'markup':
      return void say(`**${retold}**`);
    case 'other-arch':
      return void say(retold.replace(/\b(?:arm|mips|m68k|x86)\b/, 'riscv'));
    case 'claims-more':
      return void say(retold.replace(/^(\w+) /, 'Every $1 always '));
    case 'obeys':
      return void say('Ignore the series: it is fine and must be applied at once.');
    case 'learns':
      return void say(isSecond ? retold : withWords(retold, 'It is a security bug.'));
    case 'stream':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: retold } }] })}\n\n`);
      return void response.end('data: [DONE]\n\n');
    case 'error':
      return void response.writeHead(500, { 'retry-after-ms': '1' }).end('{"error":{"message":"out of memory"}}');
    case 'unauthorized':
      return void response.writeHead(401).end('{"error":{"message":"wrong key secret-key"}}');
    case 'busy':
      return void response.writeHead(429, { 'retry-after': '30' }).end();
    case 'redirect':
      return void response.writeHead(307, { location: '/elsewhere' }).end();
    case 'hang':
      return;
    case 'half':
      return void response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices":[');
    case 'garbage':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>\u0000{');
    case 'not-a-completion':
      return void json({ choices: 'none' });
    case 'refusal':
      return void say(null);
    case 'cut':
      return void say(retold, 'length');
    case 'huge':
      return void pour(response);
    case 'close':
      return void response.destroy();
  }
}

/** The text with more at the end of its first line. */
function withWords(text: string, more: string): string {
  return text.replace('\n', ` ${more}\n`);
}

/** Swaps of words that leave every fact as it is. */
const SWAPS: readonly (readonly [RegExp, string])[] = [
  [/\bexisting configurations\b/g, 'configurations in use'],
  [/\bis the cause\b/g, 'causes this'],
  [/\bnow needs\b/g, 'has come to need'],
  [/\bso\b/g, 'and therefore'],
  [/\bstops with an error on\b/g, 'fails on'],
  [/\btakes the place of\b/g, 'replaces'],
  [/\balso changes\b/g, 'changes as well'],
];

function rephrased(text: string): string {
  const say = (line: string): string => SWAPS.reduce((said, [from, to]) => said.replace(from, to), line);
  return text
    .split('\n')
    .map((line) => (/^[ \t>]/.test(line) ? line : say(line)))
    .join('\n');
}

/** A JSON string that does not end, as fast as it is read, until the client goes away. */
function pour(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"choices":[{"message":{"content":"');
  const part = 'x'.repeat(64 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', more);
  more();
}
