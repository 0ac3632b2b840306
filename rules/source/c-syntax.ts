/**
 * What rules/ asks of a parser of C: text in, a plain tree out. The real one (tree-sitter, in
 * queue/tree-sitter.ts) needs WebAssembly and is handed in, so that this folder stays pure.
 */

import type { Outcome } from '../types.ts';

/** A named node of the grammar tree-sitter-c; punctuation and keywords are left out. */
export interface SyntaxNode {
  /** As in the grammar: `function_definition`, `call_expression`, `ERROR` ... */
  readonly type: string;
  /** Its role in its parent, where the grammar names one: `declarator`, `body`, `condition` ... */
  readonly field?: string;
  /** Offsets into the text: first character, and the one after the last. */
  readonly start: number;
  readonly end: number;
  readonly children: readonly SyntaxNode[];
  /** Of a function_definition: the parser left something out of it, or put something in. */
  readonly isBroken?: true;
}

/** Bounds of one file, so that hostile text costs little. */
export interface SyntaxLimits {
  readonly maxChars: number;
  readonly maxNodes: number;
  readonly maxDepth: number;
  /** Steps of the parser; it makes about one for every character of ordinary text. */
  readonly maxSteps: number;
}

/** Twice of what any file of Linux 6.12 needs (amdgpu's register headers have 24 million characters). */
export const SYNTAX_LIMITS: SyntaxLimits = {
  maxChars: 48 << 20,
  maxNodes: 2_000_000,
  maxDepth: 400,
  maxSteps: 100_000_000,
};

/** `trap`: the parser itself failed; another one takes the next text. */
export type SyntaxFailure = 'too-long' | 'too-deep' | 'too-many-nodes' | 'too-slow' | 'trap';

export type ParseSyntax = (text: string) => Outcome<{ readonly root: SyntaxNode }, { readonly why: SyntaxFailure }>;

/** The first child in a role. */
export function childIn(node: SyntaxNode | undefined, field: string): SyntaxNode | undefined {
  return node?.children.find((child) => child.field === field);
}
