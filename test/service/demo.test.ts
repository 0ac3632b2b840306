/** The demo of README, as it runs there: on the real kernel tree. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { cacheDir } from '../../queue/provision.ts';
import { runDemo } from './demo.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];

describe.skipIf(TREE === undefined && !process.env['CI'])('npm run demo:service', () => {
  test('drafts the reply, sends it on command, threaded, once, and cleans up', { timeout: 900_000 }, async () => {
    const demos = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('depbot-demo-'));
    // one that was killed may have left its own
    const others = demos();
    const lines: string[] = [];
    const { draft, received, recipients, draftsLeft, mails } = await runDemo(
      TREE!,
      (text) => lines.push(text),
      cacheDir(process.env),
    );
    expect(received.replaceAll('\r\n', '\n')).toBe(draft.replaceAll('\r\n', '\n'));
    expect(received).toContain('In-Reply-To: <20261109094103.71820-2-rowan@ashby.example>\r\n');
    expect(received).toContain('KEYBOARD_CROS_EC is y without the series and n with it');
    expect(recipients).toContain('rowan@ashby.example');
    expect(recipients).toContain('linux-input@lists.example.org');
    expect({ draftsLeft, mails }).toEqual({ draftsLeft: 0, mails: 1 });
    expect(lines.at(-1)).toBe('7. Stopped (exit status 0). Everything is cleaned up.');
    expect(demos()).toEqual(others);
  });
});
