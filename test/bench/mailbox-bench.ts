/** What a mailbox costs that is read for the first time: a full one, beside one of a hundredth of its mails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDovecot } from '../service/dovecot.ts';
import { type Findings, node, rss, type Setting, said, walls } from './benches.ts';
import { BenchError, inTurns } from './measure.ts';

const MAILS = { few: 1000, many: 100_000 } as const;
const BODY = 'A line of a mail as people write them to lists, with some words in it.\r\n'.repeat(50);

/** All mails of a mailbox, read from a Dovecot of this machine by a process of its own. */
export async function benchMailbox(setting: Setting): Promise<Findings> {
  // Dovecot's sockets need a short path.
  const dir = mkdtempSync(join(tmpdir(), 'dbm-'));
  const dovecot = await startDovecot(dir, { users: { few: 'sesame', many: 'sesame' } });
  try {
    for (const [user, count] of Object.entries(MAILS)) {
      for (let n = 0; n < count; n += 1)
        dovecot.deliver(user, `From: a@x.example\r\nSubject: ${n}\r\nMessage-ID: <${n}@x.example>\r\n\r\n${BODY}`);
    }
    const read = (user: string) => node('test/bench/read-mailbox.ts', [String(dovecot.port), user], setting);
    const { few, many } = inTurns({ few: read('few'), many: read('many') }, setting.rounds, setting.scratch);
    for (const [measured, count] of [
      [few, MAILS.few],
      [many, MAILS.many],
    ] as const)
      if (said(measured, 'mails').some((mails) => mails !== count)) throw new BenchError(`not all ${count} mails came`);
    const each = (ms: readonly number[], count: number): number[] => ms.map((one) => one / count);
    const name = `${MAILS.few} mails`;
    return {
      rows: [
        {
          what: `a mailbox of ${MAILS.many} mails, peak memory`,
          unit: 'MiB',
          ours: rss(many),
          peer: { name, values: rss(few) },
          aim: { text: 'at most twice that', reached: (mine, theirs) => mine <= 2 * theirs },
        },
        {
          what: '  time of a mail',
          unit: 'ms',
          ours: each(walls(many), MAILS.many),
          peer: { name, values: each(walls(few), MAILS.few) },
        },
      ],
      notes: [`mailbox: mails of ${BODY.length} bytes from Dovecot, handed on and not recorded`],
    };
  } finally {
    await dovecot.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
