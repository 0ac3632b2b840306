/**
 * Line ends of mail text: which CR came from transport (RFC 5321 wants CR LF on the wire) and
 * which is content of a patched file. Used on decoded bodies and on anything handed to the diff scanner.
 */

const DIFF_HEADER = /^(?:diff --git |@@ -)[^\n]*$/m;

/**
 * Text with LF line ends, where CRs that are content stay.
 *
 * A mail whose lines all end in CR LF loses one CR a line. In a mixed one the first `diff --git`
 * or `@@` line decides: no tool writes such a line with a CR of its own, so a CR there is
 * transport's. Without such a line every CR LF becomes LF.
 */
export function toLf(text: string): string {
  if (!text.includes('\r\n')) return text;
  const header = DIFF_HEADER.exec(text)?.[0];
  if (header !== undefined && !header.endsWith('\r')) return text;
  return text.replace(/\r\n/g, '\n');
}
