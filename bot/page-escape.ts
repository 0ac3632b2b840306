/** Text that is part of a page. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escaped for an element's text or a quoted attribute; controls, and what turns the direction of text, become U+FFFD. */
export function escapeHtml(text: unknown): string {
  return String(text ?? '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!);
}
