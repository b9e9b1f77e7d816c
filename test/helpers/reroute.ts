import { afterAll, beforeAll } from 'vitest';

/** Where requests for an origin go instead, for the tests of a file. */
const detours = new Map<string, string>();

/** Whether an address is one that a stand-in answers. */
export const isRerouted = (url: URL): boolean => detours.has(url.origin);

/** Lets requests to a provider's own address reach what stands in for it here, as a name server would. */
export const reroute = (origin: string, to: string): void => {
  detours.set(origin, to);
};

/** Replaces `fetch` for the tests of a file; whatever has no detour goes where it says. */
export function useDetours(): void {
  const direct = globalThis.fetch;
  beforeAll(() => {
    globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const target = detours.get(url.origin);
      if (target === undefined) return direct(input, init);
      const headers = new Headers(init?.headers);
      headers.set('x-forwarded-host', url.host);
      headers.set('x-forwarded-proto', url.protocol.slice(0, -1));
      return direct(new URL(url.pathname + url.search, target), { ...init, headers });
    };
  });
  afterAll(() => {
    globalThis.fetch = direct;
    detours.clear();
  });
}
