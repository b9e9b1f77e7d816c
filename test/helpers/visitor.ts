import type { LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';
import { PERSON } from './oidc-provider.ts';
import { isRerouted } from './reroute.ts';

/** Where a browser has ended up: at a page of a client, or at an answer of the service. */
export interface Page {
  readonly url: URL;
  /** Of the service; undefined at a page of a client. */
  readonly response?: Response;
  /** What the fragment says. */
  readonly fragment: URLSearchParams;
}

interface Cookie {
  readonly value: string;
  readonly sameSite: string;
}

interface Step {
  readonly url: URL;
  readonly form?: URLSearchParams;
  /** Whether a page of another site sends it: then only cookies come along that allow it. */
  readonly posted?: boolean;
}

interface Received {
  readonly status: number;
  readonly location: string | undefined;
  readonly cookies: readonly string[];
  readonly body: string;
}

const MAX_STEPS = 20;
const FORM = 'application/x-www-form-urlencoded';

/**
 * A browser with somebody in front of it: it keeps cookies, follows redirects and posts the forms that pages post by
 * themselves. Requests for the service go to an instance of it, all others over the network.
 */
export class Visitor {
  readonly #service: TestApp;
  readonly #person: string;
  readonly #jars = new Map<string, Map<string, Cookie>>();
  /** All that it has asked for. */
  readonly history: string[] = [];
  /** What a provider's page adds to its form. */
  readonly formFields: Record<string, string> = {};

  constructor(service: TestApp, person: string) {
    this.#service = service;
    this.#person = person;
  }

  get #home(): string {
    return this.#service.config.PUBLIC_URL;
  }

  /** Goes there, and on until nothing sends it further. `stopAt` is where it stops before it asks. */
  async visit(address: string, stopAt: (url: URL) => boolean = () => false): Promise<Page> {
    let step: Step = { url: new URL(address, this.#home) };
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const { url } = step;
      const fragment = new URLSearchParams(url.hash.slice(1));
      if (stopAt(url) || !this.#reaches(url)) return { url, fragment };
      this.history.push(url.href);
      const { received, response } = await this.#send(step);
      const next = this.#next(url, received);
      if (!next) return { url, fragment, ...(response && { response }) };
      step = next;
    }
    throw new Error(`the browser goes in circles: ${this.history.join(' → ')}`);
  }

  /** A cookie that the service has set. */
  cookie(name: string): string | undefined {
    return this.#jar(this.#home).get(name)?.value;
  }

  /** Forgets what the service has set, as another browser never had it. */
  forget(): void {
    this.#jars.delete(this.#home);
  }

  #reaches(url: URL): boolean {
    return url.origin === this.#home || isRerouted(url) || url.hostname === 'localhost';
  }

  #jar(origin: string): Map<string, Cookie> {
    const jar = this.#jars.get(origin) ?? new Map<string, Cookie>();
    this.#jars.set(origin, jar);
    return jar;
  }

  async #send(step: Step): Promise<{ received: Received; response?: Response }> {
    const { url, form, posted } = step;
    const sent = [...this.#jar(url.origin)].filter(([, { sameSite }]) => !posted || sameSite === 'none');
    const cookie = sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie && { cookie }), ...(form && { 'content-type': FORM }) };
    const method = form ? 'POST' : 'GET';
    if (url.origin === this.#home) {
      const payload = form ? { payload: form.toString() } : {};
      const response = await this.#service.app.inject({ method, url: url.pathname + url.search, headers, ...payload });
      const { statusCode: status, headers: answered, body } = response;
      const cookies = [answered['set-cookie'] ?? []].flat();
      return { received: { status, location: answered.location, cookies, body }, response };
    }
    const answer = await fetch(url, {
      method,
      headers: { ...headers, [PERSON]: this.#person },
      redirect: 'manual',
      ...(form && { body: form }),
    });
    const location = answer.headers.get('location') ?? undefined;
    return {
      received: { status: answer.status, location, cookies: answer.headers.getSetCookie(), body: await answer.text() },
    };
  }

  #next(url: URL, { status, location, cookies, body }: Received): Step | undefined {
    for (const line of cookies) this.#keep(url, line);
    if (location !== undefined && status >= 300 && status < 400) return { url: new URL(location, url) };
    const action = /<form[^>]* action="([^"]+)"/i.exec(body)?.[1];
    if (action === undefined) return undefined;
    const form = new URLSearchParams(this.formFields);
    for (const [, name = '', value = ''] of body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/gi))
      form.set(name, value);
    const target = new URL(action, url);
    return { url: target, form, posted: target.origin !== url.origin };
  }

  #keep({ origin }: URL, line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    const sameSite =
      attributes
        .find((each) => /^samesite=/i.test(each))
        ?.slice(9)
        .toLowerCase() ?? 'lax';
    if (value === '') this.#jar(origin).delete(name);
    else this.#jar(origin).set(name, { value, sameSite });
  }
}
