/** What sat.test.ts uses of logic-solver, which brings no types. */
declare module 'logic-solver' {
  export type Formula = object | string;
  export function or(operands: readonly string[]): Formula;
  export function and(operands: readonly string[]): Formula;
  export class Solver {
    require(formula: Formula): void;
    solveAssuming(formula: Formula): object | null;
  }
}
