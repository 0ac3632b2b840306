import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTemplates, TemplateError, templateFields } from '../../bot/template.ts';
import { configUpgrade, recursion, undefinedInC, undefinedSelect } from '../support/sample-report.ts';

const OURS = join(import.meta.dirname, '../../templates');
const footer = { operator: 'the Lab', stop: 'write', contact: null };
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-template-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Renders `text` as the operator's own footer. */
function own(text: string, context: Record<string, unknown> = footer): string {
  writeFileSync(join(dir, 'footer.txt'), text);
  return openTemplates(dir).render('footer', context).text;
}

function failure(text: string, context: Record<string, unknown> = footer): TemplateError {
  try {
    own(text, context);
  } catch (error) {
    if (error instanceof TemplateError) {
      return error;
    }
    throw error;
  }
  throw new Error(`the template ${JSON.stringify(text)} was accepted`);
}

describe('ours', () => {
  const names = readdirSync(OURS)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => file.replace(/\.txt$/, ''));

  test('every template is documented, and every documented template is there', () => {
    expect(names.sort()).toEqual(Object.keys(templateFields).sort());
  });

  test.each(names)('%s uses only documented fields', (name) => {
    // Rendering with nothing fails on a value, never on reading: fields are checked on reading.
    let thrown: unknown;
    try {
      openTemplates().render(name, {});
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown ?? '')).not.toMatch(/is not a field|not found|undefined filter/);
  });

  test.each([
    ['undefined-symbol', [undefinedInC, undefinedSelect]],
    ['recursive-dependency', [recursion]],
    ['config-upgrade', [configUpgrade]],
  ])('the fields of %s are those of its claim', (name, findings) => {
    const paths = (value: unknown, path: string): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? [path, ...Object.entries(value).flatMap(([key, one]) => paths(one, `${path}.${key}`))]
        : [path];
    const claimed = new Set(findings.flatMap((finding) => paths(finding.claim, 'claim')));
    const documented = Object.keys(templateFields[name] ?? {}).filter((field) => field.startsWith('claim.'));
    expect(documented.filter((field) => !claimed.has(field))).toEqual([]);
    const words = readFileSync(join(OURS, `${name}.txt`), 'utf8');
    for (const field of documented) {
      expect(words).toContain(field);
    }
  });
});

describe('an operator’s directory', () => {
  test('goes before ours', () => {
    expect(own('Run by {{ operator }}.\n')).toBe('Run by the Lab.');
  });
  test('does not hide what it does not have', () => {
    expect(openTemplates(dir).render('verified', { rung: 1, before: false, after: false }).text).toContain(
      'neither conf',
    );
  });
  test('a directory that cannot be read is an error, not ours instead', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => openTemplates(join(dir, 'file')).render('footer', footer)).toThrow(TemplateError);
  });
});

describe('what a template may do', () => {
  test.each([
    ['a typing mistake', '{{ operater }}', 'operater'],
    ['a field of nothing', '{{ operator.name }}', 'operator.name'],
    ['an unknown field in a condition', '{% if contakt %}x{% endif %}', 'contakt'],
    ['the prototype', '{{ operator.constructor }}', 'operator.constructor'],
  ])('%s is refused on reading, by name', (_, text, field) => {
    const error = failure(text);
    expect(error).toMatchObject({ template: 'footer', field });
    expect(error.message).toContain('footer');
    expect(error.message).toContain(field);
  });

  test('a value that is not given is named', () => {
    expect(failure('{{ stop }}', { operator: 'x' })).toMatchObject({ template: 'footer', field: 'stop' });
  });

  test('the prototype of an element is refused when the mail is made', () => {
    writeFileSync(join(dir, 'reply.txt'), '{% for part in parts %}{{ part.toString }}{% endfor %}');
    expect(() => openTemplates(dir).render('reply', { parts: [{ quote: '' }] })).toThrow(
      expect.objectContaining({ template: 'reply', field: 'part.toString' }),
    );
    rmSync(join(dir, 'reply.txt'));
  });

  test('an optional value may be asked for', () => {
    expect(own('{% if contact %}yes{% else %}no{% endif %}', { ...footer, contact: null })).toBe('no');
    expect(own('{% if contact %}yes{% else %}no{% endif %}', { ...footer, contact: 'c' })).toBe('yes');
  });

  test.each([
    ['include', "{% include 'package.json' %}"],
    ['include of what every object has', "{% include 'constructor' %}"],
    ['render', "{% render '../package.json' %}"],
    ['layout', "{% layout '/etc/passwd' %}"],
    ['an unknown filter', '{{ stop | execute }}'],
    ['an unknown tag', '{% exec stop %}'],
    ['an endless loop', '{% for i in (1..1000000000) %}x{% endfor %}'],
    ['a template of a megabyte', 'x'.repeat(1 << 20)],
    ['two sections of commands', 'a\n[reproduce]\nb\n[reproduce]\nc\n'],
  ])('%s is refused', (_, text) => {
    expect(failure(text).template).toBe('footer');
  });

  test('a part is shared, of the operator where there is one, and its fields are checked as well', () => {
    const parts = join(dir, 'parts');
    mkdirSync(parts);
    try {
      writeFileSync(join(parts, 'hello.txt'), 'Hello {{ stop }}\r\n');
      expect(own("{% include 'hello' %}", footer)).toBe(`Hello ${footer.stop}`);
      writeFileSync(join(parts, 'hello.txt'), '{{ witness }}');
      expect(failure("{% include 'hello' %}")).toMatchObject({ template: 'footer', field: 'witness' });
      writeFileSync(join(parts, 'archs.txt'), 'anywhere');
      expect(own("on\n{% include 'archs' %}\nhere", footer)).toBe('on\nanywhere\nhere');
    } finally {
      rmSync(parts, { recursive: true });
    }
    expect(failure("{% include 'archs' %}")).toMatchObject({ template: 'footer', field: 'claim.archs.size' });
  });

  test.each(['../footer', 'Footer', '', 'a/b', 'no-such-template'])('%j is not a template', (name) => {
    expect(() => openTemplates().render(name, {})).toThrow(TemplateError);
  });
});

describe('what comes out', () => {
  const lines = 'a\r\n  b\nc';

  test('a value is one line unless the template says raw', () => {
    expect(own('{{ stop }}', { ...footer, stop: lines })).toBe('a b c');
    expect(own('{{ stop | raw }}', { ...footer, stop: 'a\nb' })).toBe('a\nb');
  });

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('tags on lines of their own leave no trace, and commands are apart (%s)', (_, eol) => {
    writeFileSync(
      join(dir, 'footer.txt'),
      ['', '{% if stop %}', '{{ stop }}', '{% endif %}', 'b', '', '[reproduce]', 'make', ''].join(eol),
    );
    expect(openTemplates(dir).render('footer', footer)).toEqual({ text: 'write\nb', reproduce: 'make' });
  });

  test.each<[string, unknown, string]>([
    ['{{ stop | indent | raw }}', lines, '    a\n      b\n    c'.trimStart()],
    ['{{ stop | indent: 1 | raw }}', lines, '    a\n    [2 more lines]'.trimStart()],
    ['{{ stop | few: 2 }}', ['a', 'b', 'c'], 'a, b and 1 more'],
    ['{{ stop | few: 3 }}', ['a', 'b', 'c'], 'a, b and c'],
    ['{{ stop | few: 3 }}', ['a'], 'a'],
    ["{{ stop | plural: 'line', 'lines' }}", 1, '1 line'],
    ["{{ stop | plural: 'line', 'lines' }}", 0, '0 lines'],
  ])('%s of %j', (text, stop, expected) => {
    expect(own(text, { ...footer, stop }).trimStart()).toBe(expected);
  });
});
