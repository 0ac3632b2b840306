/**
 * Which Node runs depbot. Plain JavaScript without dependencies, because the Node that starts it may be too
 * old: type stripping is on by default from 22.18 (and 23.6) on, and a package of package.json asks for 22.19.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Folder for all that depbot fetches or derives: `DEPBOT_CACHE`, else `$XDG_CACHE_HOME/depbot`, else
 * `~/.cache/depbot`. `queue/provision-cache.ts` holds the same rule for TypeScript.
 * @param {Record<string, string | undefined>} env
 * @returns {string}
 */
export function cacheDir(env) {
  if (env.DEPBOT_CACHE) return env.DEPBOT_CACHE;
  // The XDG base directory specification has relative paths ignored.
  const xdg = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : undefined;
  return join(xdg ?? join(env.HOME || homedir(), '.cache'), 'depbot');
}

/**
 * Whether a Node of this version (`process.versions.node`) runs `.ts` files as they are, and the packages.
 * @param {string} version
 * @returns {boolean}
 */
export function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 19);
}

/**
 * Node 24 in depbot's cache, where set-up puts it (npm's package `node`).
 * @param {string} cache
 * @returns {string}
 */
export function cachedNode(cache) {
  return join(cache, 'node24', 'node_modules', 'node', 'bin', 'node');
}

/**
 * A Node that can run depbot: the running one, else the cached one, else undefined.
 * @param {Record<string, string | undefined>} env
 * @returns {string | undefined}
 */
export function goodNode(env) {
  if (runsTypeScript(process.versions.node)) return process.execPath;
  const cached = cachedNode(cacheDir(env));
  return existsSync(cached) ? cached : undefined;
}
