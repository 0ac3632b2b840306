/**
 * The words of our mails: Liquid templates from `templates/`, an operator's directory in front.
 *
 * Operators may write their own, so a template gets no file access, no prototypes, and limits on
 * time, memory and size. A field that `templateFields` does not document is refused when the
 * template is read, not when a mail is due. Every value is put on one line, unless it passes through
 * `| raw`: only for what `| indent` made, or a finished text of ours.
 *
 * A template may have a second section below a line `[reproduce]`: the commands of its finding. What several have in
 * common stands in `parts/`, for `{% include 'NAME' %}`.
 *
 * More than 400 lines, because the fields of all templates stand in one list.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Liquid, type Template } from 'liquidjs';
import { shellWord } from './shell-word.ts';

const BUILT_IN = fileURLToPath(new URL('../templates/', import.meta.url));
const MAX_TEMPLATE_CHARS = 64 * 1024;
const RENDER_LIMIT_MS = 5000;
const RENDER_MEMORY_UNITS = 4e6;

/** A template that is missing, wrong, or was given less than it asks for: the operator's or our fault. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly template: string;
  /** The unknown or missing field, when it is that. */
  readonly field: string | undefined;

  constructor(template: string, wrong: string, options?: { readonly field?: string; readonly cause?: unknown }) {
    super(`template ${template}: ${wrong}`, { cause: options?.cause });
    this.template = template;
    this.field = options?.field;
  }
}

export interface Rendered {
  readonly text: string;
  /** The section below `[reproduce]`, empty when there is none. */
  readonly reproduce: string;
}

export interface Templates {
  /**
   * The template `name` filled in, white space at both ends of a section removed.
   * Throws TemplateError, which names the template and the field.
   */
  render(name: string, context: Readonly<Record<string, unknown>>): Rendered;
}

/** Fields that every rule's template may use, with their meaning. */
const RULE_FIELDS = {
  symbols: 'symbols the finding is about, list',
  'patch.n': 'number of the patch in the series',
  'patch.total': 'number of patches in the series',
  'anchor.file': 'file of the quoted line',
  'anchor.line': 'line of the file after the patch (before it, for a removed line)',
  verified:
    'sentence on how far the finding was proved, from verified.txt; empty where it is the same for all of the mail',
  rung: '1 derived, 2 configured, 3 built',
  'witness.arch': 'architecture of the smallest settings that show it; `witness` is null when there are none',
  'witness.make': 'ARCH=, and CROSS_COMPILE= where it was needed, for make',
  'witness.from': 'what the settings are put on top of',
  'witness.target': 'that as a make target, or null',
  'witness.settings': 'settings, list of {symbol, value}',
  'witness.shown': 'settings as "FOO=y BAR=n"',
  'witness.lines': 'settings as lines of a .config, list',
  'witness.arguments': 'settings as arguments of scripts/config, quoted for a shell, may have several lines',
} as const;

/**
 * Of missing-dependency; of missing-algorithm, where what is lacking is found by its name; of runtime-pm-only and
 * failing-probe.
 */
const GAP_FIELDS = {
  ...RULE_FIELDS,
  'claim.owner': 'symbol whose code lacks something, or the file',
  'claim.needed': 'symbol that builds or declares what it lacks, list of one',
  'claim.into': 'vmlinux or module: where the code goes',
  'claim.object': 'the object that the first of claim.uses is in',
  'claim.how': 'link (an undefined reference), compile (no declaration), or either',
  'claim.what':
    'what it lacks: export (a function of another file), variable (such a variable), or a declaration: function, macro, struct, member; header or foreign of other architectures; algorithm, clock, regulator or stub of the other rules',
  'claim.isUnexported': 'boolean: what the module lacks is there, but nothing exports it',
  'claim.uses':
    'list of {path, line, text, name, callee, caller, source: {path, line, text}}: source declares it; of a stub also gives and, of new code, custom: {callers, needing, isSample}',
  'claim.built.path': 'makefile that builds the code',
  'claim.built.line': 'its line',
  'claim.built.text': 'its text',
  'claim.provided.path': 'makefile that builds what is lacking, or file of the #if around its declaration',
  'claim.provided.line': 'its line',
  'claim.provided.text': 'its text',
  'claim.isOld': 'whether the file was there before',
  'claim.blamed.path': 'file of the line of the series that makes it possible',
  'claim.blamed.line': 'its line',
  'claim.blamed.text': 'its text',
  'claim.blamed.side': 'before or after: in which tree it stands there',
  'claim.blamed.isQuoted': 'whether the comment stands under that very line',
  'claim.values': 'list of {symbol, value}: what the witness configuration comes to',
  'claim.archs': 'architectures it happens on, list',
  'claim.repairs': 'list of {kind, symbol, text}: lines that would repair it',
  'claim.others': 'list of {needed, name, isUnexported}: others of the same cause, confirmed',
  'claim.notTried': 'number of others that were not shown to conf',
};

/** Fields of the rules about builds. */
const DIAGNOSTIC_FIELDS = {
  ...RULE_FIELDS,
  'claim.target': 'what make is asked for: an object, or prepare or olddefconfig',
  'claim.diagnostics': 'list of {text, function}: what is new, as a compiler prints it; the function or null',
  'claim.more': 'number of others in the same object',
  'claim.isExtra': 'whether it was built with W=1',
} as const;

/**
 * Fields a template may use, by template. A rule's are `claim.*` and the common ones. A list has
 * `.size`; the members of its elements are not listed here, but must be there when the mail is made.
 */
export const templateFields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  reply: {
    attribution: 'line above the quotes',
    parts: 'list of {quote, comments}: quoted lines, finished comments below them',
    more: 'number of findings in this patch that got no comment',
    cut: 'architectures on which a rule with a finding here stopped at its limit, list',
    verified: 'sentence on how far all findings were proved, empty where it stands under each',
    reproduce: 'commands of all findings, empty when there are none',
    'base.label': 'name and object name of the base',
    'base.detail': 'why this base, a sentence',
    archs: 'architectures compared, list',
    configs: 'number of configurations carried over',
    footer: 'signature, from footer.txt',
  },
  footer: {
    operator: 'who runs the robot',
    stop: 'how to stop it',
    contact: 'who reads answers, or null',
    model: 'language model that worded comments of this mail, or null',
  },
  'still-there': {
    revision: 'number of this revision of the series',
    earlier: 'number of the revision of which the finding was told before',
    messageId: 'Message-ID of the mail that told it, without brackets',
  },
  verified: {
    rung: '1 derived, 2 configured, 3 built',
    before: 'whether a run without the series agreed',
    after: 'whether a run with the series agreed',
    arch: 'architecture that was built, empty where nothing was',
    without: 'what the build without the series showed, or empty',
    with: 'what the build with the series showed, or empty',
  },
  'build-error': {
    ...DIAGNOSTIC_FIELDS,
    'claim.isNew': 'whether the series adds the source of the object',
    'claim.opened': 'where the series lets the entry of the object be on where it could not be; or null',
    'claim.opened.symbol': 'that entry',
    'claim.opened.lacks': 'what need not hold any more, as Kconfig writes it',
    'claim.others': 'other objects with the same error, list',
  },
  'build-warning': {
    ...DIAGNOSTIC_FIELDS,
    'claim.isNew': 'whether the object was not built without the series',
  },
  'broken-bisect': {
    ...DIAGNOSTIC_FIELDS,
    'claim.breaks': 'number of the patch after which it fails',
    'claim.repairs': 'number of the patch that repairs it, or null',
    'claim.wasBuilt': 'whether the base builds it',
    'claim.others': 'other objects with the same error, list',
  },
  'undefined-symbol': {
    ...RULE_FIELDS,
    'claim.symbol': 'symbol without a definition',
    'claim.how': 'introduced, definition-removed, not-sourced, or source-removed',
    'claim.where': 'kconfig, kbuild or c',
    'claim.references': 'list of {path, line, text}',
    'claim.removed': 'the definition that the series removes, or null',
    'claim.removed.path': 'its file',
    'claim.removed.line': 'its line before the series',
    'claim.renamedTo': 'its new name, or null',
    'claim.similar': 'defined symbol with nearly the same name, or null',
    'claim.consequence': 'half a sentence',
    'claim.total': 'number of references',
    'claim.isInCode': 'whether Kbuild or C files name it, too',
    'claim.dead': 'symbols that depend on it and that no architecture can have any more, list',
    'claim.deadTotal': 'how many these are in all, number',
  },
  'lost-symbol': {
    ...RULE_FIELDS,
    'claim.symbol': 'symbol that is lost',
    'claim.value': 'what it cannot be any more: "y" or "y or m"',
    'claim.how': 'dead (on every architecture), along (with what it needs) or stranded (its helper has no prompt)',
    'claim.blamed.path': 'file of the line of the series that takes it away',
    'claim.blamed.line': 'its line',
    'claim.blamed.text': 'its text',
    'claim.blamed.side': 'before or after: in which tree it stands there',
    'claim.blamed.isQuoted': 'whether the comment stands under that very line',
    'claim.reasons': 'list of {path, line, text}: lines that together exclude it',
    'claim.moreReasons': 'how many more such lines there are',
    'claim.undeclared':
      'symbols that the architecture of the witness does not declare, as far as that takes part, list',
    'claim.helper.symbol': 'the helper; `claim.helper` is null where it is not stranded',
    'claim.helper.selectors': 'a few symbols that select it, list',
    'claim.helper.total': 'how many do',
    'claim.helper.isSelectable': 'whether a select instead would do no harm',
    'claim.archs': 'architectures it is lost on, list',
    'claim.without': 'symbol that is off where it is lost; null where it is lost to all',
    'claim.others': 'other symbols lost by the same line, confirmed, list',
    'claim.along': 'list of {symbol, without, value, archs}: lost by the same line in another way, or elsewhere',
    'claim.notTried': 'number of others that were not shown to conf',
  },
  'unmet-select': {
    ...RULE_FIELDS,
    'claim.selector': 'symbol that selects',
    'claim.target': 'symbol that is forced on',
    'claim.select.path': 'file of the select',
    'claim.select.line': 'its line',
    'claim.select.text': 'its text',
    'claim.isOld': 'whether the tree had that select before',
    'claim.unmet': "list of {path, line, text, expr}: lines of the target's dependency that are not met, with values",
    'claim.chain': 'list of {path, line, text, symbol, by}: who selects the selector, up to a symbol that is set',
    'claim.blamed.path': 'file of the line of the series that makes it possible',
    'claim.blamed.line': 'its line',
    'claim.blamed.text': 'its text',
    'claim.blamed.side': 'before or after: in which tree it stands there',
    'claim.blamed.isQuoted': 'whether the comment stands under that very line',
    'claim.archs': 'architectures it happens on, list',
    'claim.repairs': 'list of {kind, symbol, text}: lines that would repair it',
    'claim.isTogether': 'whether it takes all of these lines, one for each selector',
    'claim.others': 'list of {selector, target}: others of the same cause, confirmed',
    'claim.notTried': 'number of others that were not shown to conf',
  },
  'missing-dependency': GAP_FIELDS,
  'missing-algorithm': GAP_FIELDS,
  'runtime-pm-only': GAP_FIELDS,
  'failing-probe': GAP_FIELDS,
  'stubbed-path': {
    ...RULE_FIELDS,
    'claim.function': 'function that was there before',
    'claim.at.path': 'its file',
    'claim.at.line': 'its line',
    'claim.at.text': 'the text of that line',
    'claim.chain':
      'list of {callee, path, line, text, patch}: calls from it to the stub; `patch` adds the call, null where it was there',
    'claim.stub.path': 'file of the stub',
    'claim.stub.line': 'its line',
    'claim.stub.text': 'its text',
    'claim.stub.gives': 'what it returns',
    'claim.ends.path': 'file of the return that the stub leads to',
    'claim.ends.line': 'its line',
    'claim.ends.text': 'its text',
    'claim.lost.path': 'file of the end that is lost',
    'claim.lost.line': 'its line',
    'claim.lost.text': 'its text',
    'claim.lost.isStillReached': 'whether other ways still lead there',
    'claim.owner': 'symbol that builds the function, or null',
    'claim.needed': 'symbols on which the stub hangs, list',
    'claim.takes': 'list of {path, line, text}: what the needed symbol depends on beyond that and what is there anyway',
    'claim.neverTotal': 'how many architectures these are',
    'claim.never':
      'list of {archs, lines}: architectures that can never have it, with lines {path, line, text} that say so',
    'claim.archs': 'architectures on which it happens, list',
    'claim.configs.count': 'existing configurations in which it happens',
    'claim.configs.total': 'configurations looked at',
    'claim.configs.groups': 'list of {label, count, examples}',
    'claim.repairs': 'list of {kind, symbol, text}: lines that would rule it out',
    'claim.others': 'list of {function, path, line}: other functions of the same cause, confirmed',
    'claim.notTried': 'number of others that were not shown to conf',
  },
  'over-exposed': {
    ...RULE_FIELDS,
    'claim.symbol': 'symbol that can be on where it makes no sense',
    'claim.kind':
      'not-built: nothing of what it stands for is built there; no-platform: no platform that its dependency named is on',
    'claim.dropped': 'list of {path, line, text, isQuoted}: conditions that excluded it, as they stood before',
    'claim.off': 'symbols that are off there, list: the platforms, or what the objects hang on',
    'claim.objects': 'list of {object, path, line, text, off}: objects that are not built, and the makefile line',
    'claim.moreObjects': 'number of others',
    'claim.isAsked': 'whether it is set there; else it is on by itself',
    'claim.archs': 'architectures it happens on, list',
    'claim.repairs': 'list of {text, isInstead}: lines of its entry that would repair it',
    'claim.others': 'other symbols of the same cause, confirmed, list',
    'claim.notTried': 'number of others that were not shown to conf',
  },
  'recursive-dependency': {
    ...RULE_FIELDS,
    'claim.cycle':
      'list of {symbol, relation, next, path, line, choice}: `<choice>` is the choice at `choice`, null without one',
    'claim.archs': 'architectures it happens on, list',
    'claim.confError': 'what conf prints, several lines',
  },
  'config-upgrade': {
    ...RULE_FIELDS,
    'claim.symbol': 'symbol whose value changes',
    'claim.from': 'value before, or "not defined"',
    'claim.to': 'value after, or "not defined"',
    'claim.configs.count': 'configurations it changes in',
    'claim.configs.elsewhere': 'configurations it changes in because of other lines',
    'claim.configs.total': 'configurations carried over',
    'claim.configs.groups': 'list of {label, count, examples}',
    'claim.cause.path': 'file of the property that causes it',
    'claim.cause.line': 'its line',
    'claim.cause.text': 'its text',
    'claim.cause.side': 'tree that line was read from: before or after',
    'claim.cause.isQuoted': 'whether that line is the quoted one',
    'claim.cause.explanation': 'half a sentence',
    'claim.cause.isSole': 'whether that line is enough, without the rest of the series',
    'claim.cause.alike': 'list of {path, line}: where the same line of the same symbol does the same, tried with conf',
    'claim.cause.moreAlike': 'number of other such places',
    'claim.otherValues': 'list of {symbol, from, to, count}: the same symbol becomes another value, tried with conf',
    'claim.alsoChanged': 'list of {symbol, from, to, count}, tried with conf',
    'claim.notTried': 'more of these, not tried with conf',
    'claim.isOneLine': 'whether that line is enough for all of them',
  },
  'unmigrated-rename': {
    ...RULE_FIELDS,
    'claim.old': 'symbol that the series removes',
    'claim.new': 'symbol that takes its place',
    'claim.from': 'value of the old symbol without the series',
    'claim.to': 'value of the new symbol with the series',
    'claim.configs.count': 'configurations that lose it',
    'claim.configs.total': 'configurations carried over',
    'claim.configs.groups': 'list of {label, count, examples}',
    'claim.by.path': 'file of a line that names the one as it named the other; `by` is null where there is none',
    'claim.by.line': 'its line with the series',
    'claim.by.text': 'its text',
    'claim.prompt': 'prompt that both have, where there is no such line',
  },
};

/**
 * Templates by name, those of `overrideDir` first. Files are read when first asked for, `parts/` at once. Throws
 * TemplateError where that cannot be read.
 */
export function openTemplates(overrideDir?: string): Templates {
  const liquid = newEngine(readParts(overrideDir));
  const parsed = new Map<string, { text: Template[]; reproduce: Template[] }>();
  const parse = (name: string) => {
    const [text = '', reproduce = '', ...rest] = readTemplate(name, overrideDir).split(/^\[reproduce\][ \t]*\n/m);
    if (rest.length > 0) {
      throw new TemplateError(name, 'has more than one [reproduce] line');
    }
    return { text: parseChecked(liquid, name, text), reproduce: parseChecked(liquid, name, reproduce) };
  };
  return {
    render(name, context) {
      const template = parsed.get(name) ?? parse(name);
      parsed.set(name, template);
      const render = (section: Template[]): string => {
        try {
          return trimBlankLines(String(liquid.renderSync(section, context)));
        } catch (cause) {
          throw wrapped(name, cause);
        }
      };
      return { text: render(template.text), reproduce: render(template.reproduce) };
    },
  };
}

function newEngine(parts: Readonly<Record<string, string>>): Liquid {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    // `if claim.similar` asks whether an optional field is there; the fields are checked by name on reading.
    lenientIf: true,
    ownPropertyOnly: true,
    trimTagRight: true,
    greedy: false,
    // Instead of a file system: include, render and layout find nothing else.
    templates: parts,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: RENDER_MEMORY_UNITS,
    parseLimit: MAX_TEMPLATE_CHARS,
    outputEscape: (value: unknown) => String(value ?? '').replace(/\s*[\r\n]\s*/g, ' '),
  });
  liquid.registerFilter('few', few);
  liquid.registerFilter('indent', indent);
  liquid.registerFilter('plural', plural);
  liquid.registerFilter('shell', (value: unknown) => shellWord(String(value)));
  liquid.registerFilter('padded', (value: unknown, width: number) => String(value).padEnd(width));
  return liquid;
}

/** `a, b, c and 4 more`: at most `most` of a list. */
export function few(list: unknown, most: number): string {
  const all = Array.isArray(list) ? list : [list];
  const shown = all.slice(0, most);
  return all.length > shown.length
    ? `${shown.join(', ')} and ${all.length - shown.length} more`
    : shown.join(', ').replace(/, (?=[^,]*$)/, ' and ');
}

/** `1 reference`, `3 references`. */
export function plural(count: unknown, one: string, many: string): string {
  return `${String(count)} ${Number(count) === 1 ? one : many}`;
}

/** Every line four columns in; at most `most` lines when given, then how many were cut. */
function indent(text: unknown, most: number = Number.POSITIVE_INFINITY): string {
  const lines = trimBlankLines(String(text)).split(/\r?\n/);
  const cut = lines.length > most ? [`[${plural(lines.length - most, 'more line', 'more lines')}]`] : [];
  return [...lines.slice(0, most), ...cut].map((line) => (line.trim() === '' ? '' : `    ${line}`)).join('\n');
}

function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*\r?\n)+/, '').trimEnd();
}

/** What several templates have in common, by name: of `parts/`, the operator's instead of ours. */
function readParts(overrideDir: string | undefined): Record<string, string> {
  const parts: Record<string, string> = Object.create(null);
  for (const dir of overrideDir === undefined ? [BUILT_IN] : [BUILT_IN, overrideDir]) {
    const path = join(dir, 'parts');
    if (dir !== BUILT_IN && !existsSync(path)) continue;
    try {
      for (const file of readdirSync(path).filter((one) => one.endsWith('.txt'))) {
        const text = readFileSync(join(path, file), 'utf8').replace(/\r\n/g, '\n');
        // what follows the tag begins a line
        parts[file.slice(0, -4)] = text.endsWith('\n') ? text : `${text}\n`;
      }
    } catch (cause) {
      throw new TemplateError('parts', `cannot read ${path}`, { cause });
    }
  }
  return parts;
}

function readTemplate(name: string, overrideDir: string | undefined): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new TemplateError(name, 'is not a template name (lower-case letters, digits, dashes)');
  }
  for (const dir of overrideDir === undefined ? [BUILT_IN] : [overrideDir, BUILT_IN]) {
    const path = join(dir, `${name}.txt`);
    try {
      return readFileSync(path, 'utf8').replace(/\r\n/g, '\n');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new TemplateError(name, `cannot read ${path}`, { cause });
      }
    }
  }
  throw new TemplateError(name, `there is no ${name}.txt, neither in the operator's directory nor among ours`);
}

function parseChecked(liquid: Liquid, name: string, text: string): Template[] {
  let template: Template[];
  let used: readonly (readonly unknown[])[];
  try {
    template = liquid.parse(text);
    used = liquid.globalVariableSegmentsSync(template);
  } catch (cause) {
    throw wrapped(name, cause);
  }
  for (const segments of used) {
    const field = segments.map((segment) => (Array.isArray(segment) ? '[...]' : String(segment))).join('.');
    if (!isDocumented(name, field)) {
      throw new TemplateError(name, `"${field}" is not a field of it`, { field });
    }
  }
  return template;
}

/** A field as documented, a test for the group it belongs to (`witness`), a list's length or one of its elements. */
function isDocumented(name: string, field: string): boolean {
  const fields = templateFields[name] ?? RULE_FIELDS;
  return (
    Object.hasOwn(fields, field) ||
    Object.hasOwn(fields, field.replace(/\.(size|\d+(\..*)?)$/, '')) ||
    field === 'witness' ||
    field === 'claim.by' ||
    field.startsWith('forloop.') ||
    (templateFields[name] === undefined && field.startsWith('claim.'))
  );
}

/** What the engine threw, with the template's name and the field it stumbled on. */
function wrapped(name: string, cause: unknown): TemplateError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const field = /^undefined variable: ([^,]*)/.exec(message)?.[1];
  return new TemplateError(name, message, field === undefined ? { cause } : { field, cause });
}
