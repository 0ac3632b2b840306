/** Mailing lists by their names in mails. */

/** RFC 2919 leaves the form to the list; that of mailman, mlmmj and vger: the address with a dot for its @. */
export function listIdOf(list: string): string {
  return list.toLowerCase().replace('@', '.');
}
