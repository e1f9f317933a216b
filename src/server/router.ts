import findMyWay from 'find-my-way';
import { httpError } from './http-error.js';
import type { Method, Route } from './route.js';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies readonly Method[];

/** Longer than any name of a VM in a URL. */
const longestParam = 4096;

export interface Router {
  /**
   * The route of a request. `HEAD` is a `GET` whose body is left out.
   * @throws HttpError 404 where there is no such path, 405 where it takes other methods
   */
  readonly find: (method: string, path: string) => Found;
  /** The methods that a path takes; empty: there is no such path. */
  readonly allowed: (path: string) => readonly string[];
}

export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string | undefined>>;
}

export function makeRouter(routes: readonly Route[]): Router {
  const router = findMyWay({ maxParamLength: longestParam });
  const byStore = new Map<unknown, Route>();
  for (const route of routes) {
    const store = {};
    byStore.set(store, route);
    router.on(route.method, route.path, () => undefined, store);
  }

  function look(method: Method, path: string): Found | undefined {
    const found = router.find(method, path);
    const route = byStore.get(found?.store);
    if (found === null || route === undefined) return undefined;
    return { route, params: found.params };
  }

  function allowed(path: string): readonly string[] {
    const taken = methods.filter((method) => look(method, path) !== undefined);
    return taken.length === 0 ? [] : [...taken, ...(taken.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  }

  return {
    find(method, path) {
      refuseStrange(path);
      const wanted = method === 'HEAD' ? 'GET' : methods.find((each) => each === method);
      const found = wanted === undefined ? undefined : look(wanted, path);
      if (found !== undefined) return found;
      const others = allowed(path);
      if (others.length === 0)
        throw httpError(404, 'not-found', 'there is nothing here', 'GET /api/v1/openapi.json lists what there is');
      const message = `${method} is not possible here`;
      throw httpError(405, 'method', message, `use ${others.join(', ')}`, { allow: others.join(', ') });
    },
    allowed,
  };
}

/** What is no text when it is decoded has no meaning, and NUL bytes end names elsewhere. @throws HttpError */
function refuseStrange(path: string): void {
  try {
    if (!decodeURIComponent(path).includes('\0')) return;
  } catch {
    // Half an escape, or one that is no UTF-8.
  }
  throw httpError(400, 'bad-path', 'this path is not well encoded');
}
