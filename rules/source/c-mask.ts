/**
 * Words of the kernel's C that a grammar of C does not know, put out of its way at equal length: attributes
 * become blanks, loops of macros become `while`, macros that define a function become its head. The original
 * text stays the source of names and attributes.
 */

import { Parentheses } from './c-parentheses.ts';

/**
 * Attributes without arguments: those of include/linux/compiler*.h, init.h, cache.h, linkage.h, and of some
 * architectures and subsystems, as far as three places or more in Linux 6.12 use them.
 */
const BARE = words(`
  __always_inline __always_unused __async_inline __attribute_const__ __bitwise __bpf_kfunc __bss_decrypted
  __cacheline_aligned __cacheline_aligned_in_smp __cold __cpuidle __data_racy __deprecated __designated_init
  __disable_sanitizer_instrumentation __efi_runtime __efiapi __exception_irq_entry __exit __exitdata __exitused
  __fix_address __flatten __force __forceinline __function_aligned __gnu_inline __head __init __init_memblock
  __init_or_acpilib __init_or_fwtbl_lib __init_or_module __initconst __initdata __initdata_memblock
  __initdata_or_acpilib __initdata_or_meminfo __initdata_or_module __inline __inline__ __inline_maybe_unused __iomem
  __irq_entry __kernel __kprobes __latent_entropy __list_valid_slowpath __lockfunc __malloc __maybe_unused
  __meminit __meminitdata __must_check __naked __net_exit __net_init __net_initconst __net_initdata __nocast __nocfi
  __noclone __noendbr __noipa __nonstring __noreturn __nosavedata __noscs __notrace_funcgraph __no_caller_saved_registers
  __no_kasan_or_inline __no_kcsan __no_kmsan_checks __no_profile __no_randomize_layout __no_sanitize_address
  __no_sanitize_coverage __no_sanitize_memory __no_sanitize_or_inline __no_sanitize_thread __no_sanitize_undefined
  __no_stack_protector __overloadable __packed __page_aligned_bss __page_aligned_data __percpu __preserve_most
  __private __pure __randomize_layout __rcu __read_mostly __ref __refconst __refdata __retain __ro_after_init __safe
  __sched __signed_wrap __tracepoint_string __uninitialized __used __user __visible __weak __xipram
  ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
  asmlinkage const_debug forceinline interrupt_handler noinline noinline_for_stack noinstr nokprobe_inline notrace INDIRECT_CALLABLE_SCOPE
`);
/** Attributes with arguments. */
const CALLED = words(`
  __acquires __aligned __alloc_size __assume_aligned __attribute __attribute__ __cleanup __compiletime_error
  __compiletime_warning __cond_acquires __copy __counted_by __counted_by_be __counted_by_le __diagnose_as __free
  __must_hold __no_sanitize __noinstr_section __pass_dynamic_object_size __pass_object_size __printf __realloc_size
  __releases __scanf __section
`);
const ATTRIBUTE = new RegExp(`\\b(?:(${CALLED})\\s*(?=\\()|(?:${BARE})\\b)`, 'g');

/** Alternatives of a regular expression. */
function words(list: string): string {
  return list.trim().split(/\s+/).join('|');
}

/** Macros with a statement behind them: by their name, or, first in a line, by the brace that follows. */
const LOOP = /\b(?:\w*for_?each\w*|scoped_(?:cond_)?guard)(?=\s*\()/g;
const BRACED = /^[ \t]+(?!switch\b|\w*for_?each|scoped_)(\w{6,})(?=[ \t]*\()/gm;
/** Macros called outside of functions: in capitals, or without a semicolon. They are read from the text (c-declarations.ts). */
const CALLED_OUTSIDE = /^(?:(?:static|extern)\s+)?([A-Za-z_]\w*)\(/gm;
/** At the beginning of a line: a macro in capitals, a name, and a body. */
const DEFINER = /^((?:(?:static|asmlinkage|noinline|inline)[ \t]+)*)([A-Z][A-Z0-9_]{3,})\(\s*(\w+)\s*([,)])/gm;

/** The code as the grammar can read it, of the same length. */
export function maskForGrammar(code: string): string {
  const text = new Masked(code);
  const parentheses = new Parentheses(code);
  for (const match of code.matchAll(ATTRIBUTE)) {
    const end = match.index + match[0].length;
    const close = match[1] === undefined ? undefined : parentheses.closing(end);
    text.put(match.index, close === undefined ? end : close + 1, '');
  }
  const loop = (from: number, name: string, behind: RegExp): void => {
    const close = parentheses.closing(code.indexOf('(', from));
    // at the beginning of a line, a function of such a name is defined
    const isIndented = !/\S/.test(code[code.lastIndexOf('\n', from) + 1]!);
    if (close !== undefined && isIndented && behind.test(code.slice(close + 1, close + 200)))
      text.put(from, from + name.length, 'while');
  };
  for (const { index, 0: name } of code.matchAll(LOOP)) loop(index, name, /^\s*[\w{*(]/);
  for (const { index, 0: line, 1: name } of code.matchAll(BRACED))
    if (!isBehindType(code, index)) loop(index + line.length - name!.length, name!, /^\s*\{/);
  for (const match of code.matchAll(DEFINER)) maskDefiner(code, text, parentheses, match);
  return maskTypes(maskOutside(text.toString()));
}

/** The line above ends in a type: what begins here is the head of a function. */
function isBehindType(code: string, at: number): boolean {
  const before = code.slice(Math.max(0, at - 400), at).trimEnd();
  return /[\w*]$/.test(before) && !/\b(?:else|do)$/.test(before);
}

/** `SYSCALL_DEFINE2(name, int, fd, ...) {` reads as `int name(int, fd, ...) {`. */
function maskDefiner(code: string, text: Masked, parentheses: Parentheses, match: RegExpExecArray): void {
  const [whole, prefix, , name, after] = match;
  const close = parentheses.closing(code.indexOf('(', match.index + prefix!.length));
  if (close === undefined || !/^\s*\{/.test(code.slice(close + 1, close + 200))) return;
  const from = match.index + prefix!.length;
  const end = match.index + whole.length;
  // the name moves to the left, to leave room for the parenthesis of a macro with nothing else
  const head = `int ${name}(`;
  if (after === ',') text.put(from, end, head.length <= end - from ? head : '');
  else text.put(from, close + 1, `${head})`);
}

/** `DEFINE_PER_CPU(struct x, y) = { ... }` reads as `int y = { ... }`; other calls outside of functions are blanked. */
function maskOutside(code: string): string {
  const text = new Masked(code);
  const parentheses = new Parentheses(code);
  for (const match of code.matchAll(CALLED_OUTSIDE)) {
    const close = parentheses.closing(match.index + match[0].length - 1);
    const next = close === undefined ? undefined : /\S/.exec(code.slice(close + 1, close + 400))?.[0];
    if (close === undefined || next === '{') continue;
    const isCapital = /^[A-Z0-9_]+$/.test(match[1]!);
    if (next === '=' && isCapital) {
      const name = /(\w+)\W*$/.exec(code.slice(match.index, close))?.[1] ?? '';
      if (name !== '') text.put(match.index, close + 1, `int ${name}`.slice(0, close + 1 - match.index));
    } else if (isCapital || (next !== ';' && next !== '=' && next !== ',' && next !== '[')) {
      text.put(match.index, next === ';' ? code.indexOf(';', close) + 1 : close + 1, '');
    }
  }
  return text.toString();
}

/** Types where only expressions may stand: `min_t(unsigned long, a, b)`, `container_of(p, struct foo, member)`; also paths in offsetof(), and `case A ... B`. */
function maskTypes(code: string): string {
  return code
    .replace(/([(,]\s*)(struct|union|enum)(\s+\w+)([\s*]*)(?=[,)])/g, (match, before, word, name, stars, at) =>
      before[0] === '(' && !isArgument(code, at) ? match : before + ' '.repeat(word.length) + name + blankOf(stars),
    )
    .replace(
      /([(,]\s*)((?:(?:unsigned|signed|long|int|short|char|const)\s+)*(?:unsigned|signed|long|int|short|char|float|double|bool|size_t))([\s*]*)(?=[,)])/g,
      (match, before, type, stars, at) =>
        before[0] === '(' && !isArgument(code, at) ? match : before + type.replace(/\s|^./g, '_') + blankOf(stars),
    )
    .replace(
      /(\boffsetof(?:end)?\([^(),;]*,)([^(),;]*)(?=\))/g,
      (_, before, path) => before + path.replace(/[^\w\s]/g, '_'),
    )
    .replace(/([(,]\s*)(typeof\([^()]*\))(?=\s*[,)])/g, (_, before, type) => before + type.replace(/./g, '_'))
    .replace(/(\bcase\s[^:\n]{0,200}?)(\.\.\.[^:\n]{0,200})(?=:)/g, (_, before, range) => before + blankOf(range));
}

/** Whether the parenthesis at `at` opens a call or a list of parameters, not a cast or a condition. */
function isArgument(code: string, at: number): boolean {
  return (
    /\w$/.test(code.slice(Math.max(0, at - 1), at)) &&
    !/\b(?:return|sizeof|case|if|while|typeof|_Alignof|__typeof__)$/.test(code.slice(Math.max(0, at - 12), at))
  );
}

function blankOf(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** A text and what is put over it. */
class Masked {
  readonly #text: string;
  readonly #puts: { readonly from: number; readonly to: number; readonly text: string }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** `text`, then blanks, in place of what is there; line breaks stay. */
  put(from: number, to: number, text: string): void {
    this.#puts.push({ from, to, text: text + blankOf(this.#text.slice(from + text.length, to)) });
  }

  toString(): string {
    const parts: string[] = [];
    let at = 0;
    for (const { from, to, text } of this.#puts.sort((a, b) => a.from - b.from)) {
      if (from < at) continue;
      parts.push(this.#text.slice(at, from), text);
      at = to;
    }
    parts.push(this.#text.slice(at));
    return parts.join('');
  }
}
