import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setEmergencyStop, whyStopped } from '../../bot/emergency-stop.ts';
import type { World } from '../../bot/main.ts';
import { outgoingId } from '../../bot/outgoing.ts';
import { courier, useWorld, world } from '../support/courier-world.ts';

let dir: string;
let config: string;
let file: string;
let printed: string;
const cli = (): World =>
  ({
    env: {},
    stdout: { write: (text: string) => (printed += text) },
    stderr: { write: (text: string) => (printed += text) },
  }) as unknown as World;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stop-'));
  [config, file, printed] = [join(dir, 'depbot.toml'), join(dir, 'service/STOP'), ''];
  writeFileSync(config, `[paths]\nstate = "${dir}"\n`);
  mkdirSync(join(dir, 'service/outbox'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the emergency stop', () => {
  test('is off at first, and on by the command, with the reason, until the other command', () => {
    expect(whyStopped(join(dir, 'service'), config)).toBeUndefined();
    expect(setEmergencyStop({ isOn: true, why: 'too\nloud', configPath: config }, cli())).toBe(0);
    expect(whyStopped(join(dir, 'service'), config)).toBe(`nothing is sent: emergency stop by ${file} (too loud)`);
    expect(setEmergencyStop({ isOn: false, why: '', configPath: config }, cli())).toBe(0);
    expect([whyStopped(join(dir, 'service'), config), existsSync(file)]).toEqual([undefined, false]);
    expect(printed).toMatch(/too loud[\s\S]*mails and drafts may leave/);
  });

  test('says so where no service has ever looked', () => {
    rmSync(join(dir, 'service'), { recursive: true });
    expect(setEmergencyStop({ isOn: true, why: '', configPath: config }, cli())).toBe(1);
    expect(printed).toContain(`no depbot serve has used ${join(dir, 'service')}`);
    expect(existsSync(file)).toBe(true);
  });

  test('is on by an empty file, as `touch` makes it', () => {
    setEmergencyStop({ isOn: true, why: '', configPath: config }, cli());
    writeFileSync(file, '');
    expect(whyStopped(join(dir, 'service'), config)).toContain('emergency stop by');
  });

  test('is on by the configuration, without a restart, and resume says that it is not over', () => {
    writeFileSync(config, `[serve]\nstop = true\n[paths]\nstate = "${dir}"\n`);
    expect(whyStopped(join(dir, 'service'), config)).toBe(`nothing is sent: emergency stop by serve.stop in ${config}`);
    expect(setEmergencyStop({ isOn: false, why: '', configPath: config }, cli())).toBe(1);
    expect(printed).toContain('serve.stop');
  });

  test.each([
    ['is half written', '[serve]\nstop = tr'],
    ['has an unknown key', '[serve]\nsotp = true\n'],
    ['is gone', undefined],
  ])('is on while the configuration %s', (_, text) => {
    if (text === undefined) rmSync(config);
    else writeFileSync(config, text);
    expect(whyStopped(join(dir, 'service'), config)).toMatch(
      /^nothing is sent while the configuration cannot be read: /,
    );
  });

  test('is on while the file cannot be looked at', () => {
    mkdirSync(file, { recursive: true });
    expect(whyStopped(join(dir, 'service'), config)).toContain('cannot be read');
  });
});

describe('a courier that is halted', () => {
  useWorld();
  const at = '2026-11-22T10:00:00.000Z';
  const eml = (id: string): Buffer =>
    Buffer.from(`From: depbot <bot@x.example>\r\nTo: a@x.example\r\nMessage-ID: <${id}>\r\n\r\nwords\r\n`);
  const add = (id: string, via: 'draft' | 'smtp'): void =>
    void world.outbox.add(
      {
        id: outgoingId(id),
        messageId: id,
        kind: 'reply',
        via,
        from: 'bot@x.example',
        recipients: ['a@x.example', 'bot@x.example'],
        subject: id,
        answers: `${id}.patch`,
        maintainers: ['a@x.example'],
        allowedBy: '',
        addedAt: at,
      },
      eml(id),
    );

  test('sends and drafts nothing, says so once, and goes on where it was', async () => {
    add('1@x.example', 'smtp');
    add('2@x.example', 'draft');
    let why: string | undefined = 'nothing is sent: emergency stop';
    const one = courier({ halted: () => why });
    await one.round();
    await one.round();
    expect([world.receiver.mails.length, world.folder.size]).toEqual([0, 0]);
    expect(world.lines).toEqual(['warning: nothing is sent: emergency stop']);
    // Not at once: it would do nothing else.
    expect(one.nextRoundAt()?.getTime()).toBe(world.clock + 5000);
    why = undefined;
    await one.round();
    expect([world.receiver.mails.length, world.folder.size]).toEqual([1, 1]);
    expect(world.lines[1]).toBe('warning: outbox: mails leave again');
  });

  test('looks before each mail: one that is halted in the middle of a round sends no more', async () => {
    for (const id of ['1@x.example', '2@x.example', '3@x.example']) add(id, 'smtp');
    await courier({ halted: () => (world.receiver.mails.length > 0 ? 'halted' : undefined) }).round();
    expect(world.receiver.mails).toHaveLength(1);
  });

  test('looks between the decision and the deed', async () => {
    add('1@x.example', 'smtp');
    add('2@x.example', 'draft');
    let looks = 0;
    // Not at the first look at each mail, but at the second.
    await courier({ halted: () => (++looks % 2 === 0 ? 'halted' : undefined) }).round();
    expect([world.receiver.mails.length, world.folder.size]).toEqual([0, 0]);
  });
});
