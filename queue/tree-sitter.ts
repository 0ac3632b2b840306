/**
 * tree-sitter with its grammar of C, as a ParseSyntax (rules/source/c-syntax.ts): WebAssembly, one parser, a
 * heap of its own with a bound. A trap leaves the heap in no known state: `isSpent` then, and where the heap
 * has grown much; a new thread is the only way to a new heap.
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Tree, TreeCursor } from 'web-tree-sitter';
import { Language, Parser } from 'web-tree-sitter';
import type { ParseSyntax, SyntaxFailure, SyntaxLimits, SyntaxNode } from '../rules/source/c-syntax.ts';
import { SYNTAX_LIMITS } from '../rules/source/c-syntax.ts';

/** As far as it is used; it is in the types of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly RuntimeError: new () => Error;
};

const PAGE = 65_536;
const FIRST_HEAP = 32 << 20;
/** tree-sitter needs about 40 bytes for each character of text; the heap never shrinks. */
const MAX_HEAP = 1024 << 20;
/** Part of its bound above which a heap has had its life. */
const SPENT = 0.4;
/** tree-sitter reports its progress after every so many of its operations (lib/src/parser.c, OP_COUNT_PER_PARSER_CALLBACK_CHECK). */
const STEPS_A_REPORT = 100;

export interface TreeSitter {
  readonly parse: ParseSyntax;
  /** Size of the WebAssembly heap. */
  readonly heapBytes: () => number;
  /** No text should be given to it any more. */
  readonly isSpent: () => boolean;
}

let memory: { readonly buffer: ArrayBuffer } | undefined;

/**
 * Loads the two WebAssembly files of the packages. The library keeps its heap in a global: all that a thread opens
 * share the first one's, and its bound.
 */
export async function openTreeSitter(
  limits: SyntaxLimits = SYNTAX_LIMITS,
  maxHeapBytes: number = MAX_HEAP,
): Promise<TreeSitter> {
  const pages = { initial: FIRST_HEAP / PAGE, maximum: Math.ceil(maxHeapBytes / PAGE) };
  const wasmMemory = (memory ??= new WebAssembly.Memory(pages));
  // an abort is a failure value of the text that caused it, not a line on the operator's terminal
  await Parser.init({ wasmMemory, printErr: () => undefined });
  const grammar = await Language.load(
    await readFile(fileURLToPath(import.meta.resolve('tree-sitter-c/tree-sitter-c.wasm'))),
  );
  const parser = new Parser().setLanguage(grammar);
  let trapped = false;
  return {
    heapBytes: () => wasmMemory.buffer.byteLength,
    isSpent: () => trapped || wasmMemory.buffer.byteLength > maxHeapBytes * SPENT,
    parse(text) {
      if (trapped) return { ok: false, why: 'trap' };
      if (text.length > limits.maxChars) return { ok: false, why: 'too-long' };
      try {
        return parseWith(parser, grammar, text, limits);
      } catch (error) {
        // RuntimeError: an abort, memory that ran out; RangeError: the stack did
        if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) throw error;
        trapped = true;
        return { ok: false, why: 'trap' };
      }
    },
  };
}

function parseWith(parser: Parser, grammar: Language, text: string, limits: SyntaxLimits): ReturnType<ParseSyntax> {
  let reports = 0;
  const isTooSlow = (): boolean => ++reports * STEPS_A_REPORT > limits.maxSteps;
  const tree: Tree | null = parser.parse(text, null, { progressCallback: isTooSlow });
  if (tree === null) {
    // it would go on with the text that it was stopped in
    parser.reset();
    return { ok: false, why: 'too-slow' };
  }
  // never left to a finaliser: the heap is full long before one runs
  const cursor = tree.walk();
  try {
    const reading = new Reading(cursor, grammar, limits);
    const root = reading.node(0);
    return reading.failure === undefined ? { ok: true, root } : { ok: false, why: reading.failure };
  } finally {
    cursor.delete();
    tree.delete();
  }
}

/** A tree read through its cursor: nodes of tree-sitter itself cost a call into WebAssembly for each question. */
class Reading {
  failure: SyntaxFailure | undefined;
  readonly #cursor: TreeCursor;
  readonly #grammar: Language;
  readonly #limits: SyntaxLimits;
  #nodes = 0;

  constructor(cursor: TreeCursor, grammar: Language, limits: SyntaxLimits) {
    this.#cursor = cursor;
    this.#grammar = grammar;
    this.#limits = limits;
  }

  /** The node that the cursor is on. */
  node(depth: number): SyntaxNode {
    const cursor = this.#cursor;
    const field = this.#grammar.fields[cursor.currentFieldId];
    const type = this.#grammar.types[cursor.nodeTypeId] ?? 'ERROR';
    const { startIndex: start, endIndex: end } = cursor;
    const children: SyntaxNode[] = [];
    if (++this.#nodes > this.#limits.maxNodes) this.failure = 'too-many-nodes';
    else if (depth > this.#limits.maxDepth) this.failure = 'too-deep';
    else if (cursor.gotoFirstChild()) {
      do {
        if (cursor.nodeIsNamed) children.push(this.node(depth + 1));
      } while (this.failure === undefined && cursor.gotoNextSibling());
      cursor.gotoParent();
    }
    const isBroken = type === 'function_definition' && cursor.currentNode.hasError;
    return { type, ...(field && { field }), start, end, children, ...(isBroken && { isBroken }) };
  }
}
